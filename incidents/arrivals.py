"""When loads landed: as runs told, or else as the table's own versions show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from incidents.bands import LEAST, Judgement
from incidents.detectors.freshness import freshness
from incidents.models import Asset, AssetProfile, Run
from incidents.usual import usual_of
from integrations.gateway_client import named
from integrations.models import Connection

RECENT = timedelta(days=60)  # a job that brought nothing for longer is history
LANDED = 80  # arrivals that are compared
# Between the landing of a load and our hearing of it. A past that was told all at once shows when loads came, and not
# that anybody still tells of them: lateness is judged from the first load on that was heard of as it came.
LIVE = timedelta(hours=1)


@dataclass(frozen=True)
class Arrivals:
    """The loads of some assets that come together, oldest first."""

    assets: tuple[Asset, ...]
    times: tuple[datetime, ...]
    connection: Connection
    announced: datetime | None = None
    is_live: bool = True

    @property
    def last(self) -> datetime:
        return self.times[-1]

    def judge(self, now: datetime) -> Judgement | None:
        """None while too little is known, or nobody tells of loads as they come."""
        if not self.is_live or len(self.times) < LEAST:
            return None
        return freshness(self.times, now, self.announced, usual_of(self.assets[0]))


def watched(now: datetime) -> Iterator[Arrivals]:
    """Of each job that still ran lately, then of tables that no job tells of; nothing is read from outside."""
    good = Run.objects.filter(environment="production", status="success", started_at__gt=now - RECENT)
    told: set[int] = set()
    for job in Asset.objects.filter(pk__in=good.values("job")).order_by("pk"):
        if found := of_job(job):
            told |= {asset.pk for asset in found.assets}
            yield found
    loads = AssetProfile.objects.filter(scope="load", at__gt=now - RECENT)
    for asset in Asset.objects.filter(pk__in=loads.values("asset")).exclude(pk__in=told).order_by("pk"):
        if found := of_versions(asset):
            yield found


def of_asset(asset: Asset) -> Arrivals | None:
    """Of the job that wrote it last, else of its own versions."""
    wrote = Run.objects.filter(outputs__contains=[asset.pk], environment="production", status="success")
    if run := wrote.select_related("job").order_by("-started_at").first():
        found = of_job(run.job)
        return found and replace(found, assets=(asset,))
    return of_versions(asset)


def of_job(job: Asset) -> Arrivals | None:
    good = Run.objects.filter(environment="production", status="success", job=job).exclude(started_at=None)
    runs = list(good.select_related("connection").order_by("-started_at", "-pk")[:LANDED])
    outputs = list(Asset.objects.filter(pk__in=runs[0].outputs).exclude(kind="job").order_by("pk")) if runs else []
    if not outputs:
        return None
    times = tuple(sorted(landed(run) for run in runs))
    newest = max(runs, key=landed)
    return Arrivals(tuple(outputs), times, newest.connection, job.next_load_at, newest.told_at - landed(newest) < LIVE)


def landed(run: Run) -> datetime:
    """Its nominal hour may be long before; what counts is when the rows were there."""
    at = run.finished_at or run.started_at
    if at is None:
        raise ValueError(f"Run {run.pk} has no time")
    return at


def of_versions(asset: Asset) -> Arrivals | None:
    rows = list(AssetProfile.objects.filter(asset=asset, scope="load").order_by("-at")[:LANDED])
    connection = named("versions", {"namespace": asset.namespace})
    if not rows or connection is None:
        return None
    is_live = rows[0].told_at - rows[0].at < LIVE
    return Arrivals((asset,), tuple(row.at for row in reversed(rows)), connection, None, is_live)
