"""After a production run: look at what it read and what it brought."""

from __future__ import annotations

import logging
from itertools import groupby

from django.utils import timezone

from incidents.look import look_at_loads, look_at_tables
from incidents.models import Asset, AssetProfile, Run
from incidents.recheck import clear
from integrations.errors import IntegrationError, Unsupported
from integrations.gateway_client import named

log = logging.getLogger(__name__)

MOST = 60  # whole tables that are looked at after one run; the clock looks at the others
NO_ROWS = ["job", "dashboard"]


def detect(run: Run) -> list[str]:
    """Profile what the run brought and report what is unusual; returns the checks that found something.

    The first look at an asset learns its past. Asking twice changes nothing.
    """
    if run.environment != "production":
        return []
    near = Asset.objects.filter(pk__in={*run.inputs, *run.outputs}).exclude(kind__in=NO_ROWS)
    found: list[str] = []
    for namespace, group in groupby(near.order_by("namespace", "pk"), key=lambda asset: asset.namespace):
        fresh = [asset for asset in group if not _was_seen(asset, run)]
        try:
            found += _look(namespace, fresh, run)
        except IntegrationError as error:
            log.info("Assets of %s were not looked at: %s", namespace, error)
    return found


def _look(namespace: str, assets: list[Asset], run: Run) -> list[str]:
    connection = named("profile", {"namespace": namespace})
    if connection is None or not assets:
        return []
    found: list[str] = []
    since = run.started_at or run.finished_at
    for asset in assets:
        try:
            found += look_at_loads(asset, connection, since=since)
        except Unsupported:  # one asset answers for all: the connection keeps no versions
            written = [one for one in assets if one.pk in run.outputs][:MOST]
            found = look_at_tables(written, connection, at=timezone.now())
            for one in written:
                clear(one)
            return found
        except IntegrationError as error:
            log.info("%s was not looked at: %s", asset, error)
        clear(asset)
    return found


def _was_seen(asset: Asset, run: Run) -> bool:
    """Whether a look after the run's end has been had: runs of the past, told all at once, cost nothing then."""
    ended = run.finished_at or run.started_at
    return ended is not None and AssetProfile.objects.filter(asset=asset, at__gt=ended).exists()
