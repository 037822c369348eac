"""What people told the detectors: mute one for a while, call a finding usual, and take either back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from app.core import audit
from app.core.audit import Actor, Source
from app.core.errors import Invalid
from app.core.models import User
from app.core.roles import may, require
from incidents.bands import Usual
from incidents.models import Asset, Incident
from incidents.reach import reach, wish
from incidents.watched import CHECK_LIMIT, Mute, Widening
from integrations.values import Json
from knowledge.capture import draft_from

REASON_LIMIT = 500  # characters
LONGEST = timedelta(days=90)  # of a mute: what nobody looks at for longer should be switched off at its source
HELD = " (As far as goes without an administrator.)"


def usual_of(asset: Asset) -> list[Usual]:
    """What stands, for the detectors."""
    rows = asset.widenings.filter(withdrawn_at=None).order_by("pk")
    return [Usual(row.check_name, row.low, row.high, tuple(map(str, row.values))) for row in rows]


def standing_mutes(asset: Asset) -> QuerySet[Mute]:
    return asset.mutes.filter(lifted_at=None, until__gt=timezone.now()).select_related("by").order_by("until")


def is_muted(asset: Asset, check: str) -> bool:
    return standing_mutes(asset).filter(Q(check_name="") | Q(check_name=check)).exists()


def mute(
    asset: Asset, check: str, *, reason: str, until: datetime, by: User, actor: Actor, source: Source,
    incident: int | None = None,
) -> Mute:  # fmt: skip
    """Silence one check, or all where it is empty, until then. Raises Invalid without a reason or an end in time."""
    require(by, "incident.work")
    words = reason.strip()
    if not words or len(words) > REASON_LIMIT:
        raise Invalid(f"Say why, in at most {REASON_LIMIT} characters.")
    if timezone.is_naive(until):
        raise Invalid("The end must name its time zone.")
    if not timezone.now() < until <= timezone.now() + LONGEST:
        raise Invalid(f"A mute ends within {LONGEST.days} days from now.")
    if len(check) > CHECK_LIMIT:
        raise Invalid("There is no such detector.")
    with transaction.atomic():
        made = Mute.objects.create(
            asset=asset, check_name=check, reason=words, until=until, by=by, incident_number=incident
        )
        detail = {"check": check or "all", "until": until.isoformat(), "asset": asset.ref.uri}
        audit.record(
            "detector.muted", asset, actor=actor, source=source, reason=words, correlation=incident, detail=detail
        )
    return made


def unmute(muted: Mute, *, by: User, actor: Actor, source: Source) -> None:
    """Raises Invalid when it is over already."""
    require(by, "incident.work")
    with transaction.atomic():
        standing = Mute.objects.filter(pk=muted.pk, lifted_at=None, until__gt=Now())
        if not standing.update(lifted_at=Now(), lifted_by=by):
            raise Invalid("This mute is over already.")
        detail = {"check": muted.check_name or "all", "asset": muted.asset.ref.uri}
        audit.record("detector.unmuted", muted.asset, actor=actor, source=source, detail=detail)


def teach(incident: Incident, *, reason: str, by: User, actor: Actor, source: str | Source) -> list[Widening]:
    """The incident was as expected: what our detectors found there is usual from now on. In the caller's transaction.

    One bounded step for each detector and direction (`incidents/reach.py`); what is further away only an administrator
    teaches: for others it becomes the draft of a note, which an administrator signs. Loads that are usual by now count
    as good again, so that bands learn from them.
    """
    made, held = [], []
    for asset, payload in _findings(incident):
        known, outside = usual_of(asset), []
        for finding in payload["detail"].get("findings", []):
            taught = reach(finding, known, is_bounded=not may(by, "knowledge.loosen"))
            outside += [finding] if taught.is_held else []
            if taught.teaches:
                words = f"{reason[: REASON_LIMIT - len(HELD)]}{HELD}" if taught.is_held else reason[:REASON_LIMIT]
                made.append(
                    Widening.objects.create(
                        asset=asset, check_name=finding["check"][:CHECK_LIMIT], low=taught.low, high=taught.high,
                        values=list(taught.values), incident_number=incident.number, reason=words,
                        by_name=actor.name[:200],
                    )
                )  # fmt: skip
        if not outside:
            asset.profiles.filter(version=str(payload["detail"].get("version", ""))).update(is_known_bad=False)
        held += [(asset, finding) for finding in outside]
    if made or held:
        checks = {"checks": sorted({row.check_name for row in made}), "held": sorted({one["check"] for _, one in held})}
        detail = {**checks, "asset": incident.root_asset.ref.uri}
        audit.record("detector.taught", incident, actor=actor, source=source, reason=reason, detail=detail)
    for asset, finding in held:
        draft_from(wish(incident.number, asset.name, finding, reason), by=by, actor=actor, source=source)
    return made


def take_back(taught: Widening, *, by: User, actor: Actor, source: Source) -> None:
    """From now on it is unusual again. Raises Invalid when that was done already."""
    require(by, "incident.work")
    with transaction.atomic():
        if not Widening.objects.filter(pk=taught.pk, withdrawn_at=None).update(withdrawn_at=Now(), withdrawn_by=by):
            raise Invalid("This was taken back already.")
        detail = {"check": taught.check_name, "asset": taught.asset.ref.uri}
        audit.record(
            "detector.unlearned", taught.asset, actor=actor, source=source, correlation=taught.incident_number,
            detail=detail,
        )  # fmt: skip


def _findings(incident: Incident) -> Iterable[tuple[Asset, Json]]:
    for member in incident.members.filter(event__kind="drift").select_related("event", "asset").order_by("pk"):
        if member.event.payload.get("status") == "firing":
            yield member.asset, member.event.payload
