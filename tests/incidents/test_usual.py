"""Muting, calling usual, and taking either back; each changes what the next look says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from app.core.audit import Actor, Source
from app.core.errors import Invalid, NotAllowed
from app.core.models import AuditRecord, User
from incidents import collect
from incidents.detect import detect
from incidents.models import Event, Incident
from incidents.resolve import resolve
from incidents.usual import mute, take_back, unmute
from incidents.watched import Mute, Widening
from knowledge.models import Entry
from tests.gateway_fixture import gateway
from tests.incidents.lake import Lake

__all__ = ["gateway"]
MOON = ("cave", "hill", "moon")


@pytest.fixture
def lake(tmp_path: Path, gateway: None) -> Lake:
    made = Lake(tmp_path)
    detect(made.run())
    return made


def by(user: User) -> dict[str, Any]:
    return {"by": user, "actor": Actor.of(user), "source": Source("web")}


def loaded(lake: Lake, *places: str, rows: int = 2400) -> list[str]:
    lake.add(lake.batch(places or ("cave", "hill")).slice(0, rows))
    return detect(lake.run())


def told() -> int:
    return Event.objects.filter(kind="drift", payload__status="firing").count()


def expected(lake: Lake, operator: User, **more: Any) -> Incident:
    collect.drain()
    incident = Incident.objects.get(status="open")
    resolve(incident, "expected", comment="We sell on the moon now.", actor=Actor.of(operator), source="web")
    return incident


def test_a_muted_detector_looks_and_says_nothing_until_it_may_again(lake: Lake, operator: User) -> None:
    muted = mute(
        lake.asset, "category:place", reason="A test.", until=timezone.now() + timedelta(days=1), **by(operator)
    )
    assert "category:place" not in loaded(lake, *MOON)
    assert told() == 0
    unmute(muted, **by(operator))
    assert "category:place" in loaded(lake, *MOON)
    assert list(AuditRecord.objects.filter(event__startswith="detector.").values_list("event", flat=True)) == [
        "detector.muted",
        "detector.unmuted",
    ]
    with pytest.raises(Invalid, match="over already"):
        unmute(muted, **by(operator))


def test_a_mute_that_ran_out_is_none(lake: Lake, operator: User) -> None:
    muted = mute(lake.asset, "", reason="A test.", until=timezone.now() + timedelta(days=1), **by(operator))
    assert loaded(lake, *MOON) == []
    Mute.objects.filter(pk=muted.pk).update(until=timezone.now())
    assert loaded(lake, *MOON)


@pytest.mark.parametrize(("reason", "days"), [("", 1), ("why", 0), ("why", -1), ("why", 91), ("w" * 501, 1)])
def test_a_mute_needs_a_reason_and_an_end(lake: Lake, operator: User, reason: str, days: int) -> None:
    with pytest.raises(Invalid):
        mute(lake.asset, "rows", reason=reason, until=timezone.now() + timedelta(days=days), **by(operator))


def test_who_may_only_look_may_not_mute(lake: Lake, viewer: User) -> None:
    with pytest.raises(NotAllowed):
        mute(lake.asset, "rows", reason="why", until=timezone.now() + timedelta(days=1), **by(viewer))


def test_closed_as_expected_a_value_is_usual_from_then_on_until_that_is_taken_back(
    lake: Lake, operator: User, second_approver: User
) -> None:
    assert loaded(lake, *MOON)[0] == "category:place"
    incident = expected(lake, operator)
    assert loaded(lake, *MOON) == []
    taught = Widening.objects.get(check_name="category:place")
    assert (taught.values, taught.incident_number) == (["moon"], incident.number)
    assert loaded(lake, "cave", "sun")[0] == "category:place"  # another one is still new
    Event.objects.filter(kind="drift").update(drained_at=timezone.now())
    for row in Widening.objects.all():
        take_back(row, **by(second_approver))
    with pytest.raises(Invalid):
        take_back(taught, **by(second_approver))
    assert AuditRecord.objects.filter(event="detector.unlearned").exists()


def test_closed_as_expected_a_number_widens_its_band_in_that_direction_only(lake: Lake, operator: User) -> None:
    assert "rows" in loaded(lake, rows=350)
    expected(lake, operator)
    assert "rows" not in loaded(lake, rows=320)
    assert "rows" in loaded(lake, rows=100)
    taught = Widening.objects.get(check_name="rows")
    assert (taught.low, taught.high) == (315.0, None)
    assert AuditRecord.objects.filter(event="detector.taught").count() == 1


def test_what_is_far_off_is_taught_by_an_administrator_alone(lake: Lake, operator: User, administrator: User) -> None:
    """An operator's word goes one bounded step, and the rest becomes a draft that asks an administrator."""
    loaded(lake, rows=100)
    expected(lake, operator)
    taught = Widening.objects.get(check_name="rows")
    assert taught.low == 300 and "without an administrator" in taught.reason
    assert "rows" in AuditRecord.objects.get(event="detector.taught").detail["held"]
    (asks,) = [hint for entry in Entry.objects.filter(state="draft") for hint in entry.hints if not hint["column"]]
    assert (asks["kind"], asks["direction"]) == ("expected_change", "down") and asks["low"] < 95.8 < asks["high"]
    assert "rows" in loaded(lake, rows=250)
    expected(lake, operator)
    assert Widening.objects.filter(check_name="rows").count() == 1  # not by a second small step either
    assert "rows" in loaded(lake, rows=100)
    administrator.roles = ["administrator", "operator"]
    administrator.save()
    expected(lake, administrator)
    assert Widening.objects.filter(check_name="rows", low=90.0).exists()


def test_closed_for_another_reason_it_teaches_nothing(lake: Lake, operator: User) -> None:
    loaded(lake, *MOON)
    collect.drain()
    resolve(Incident.objects.get(), "no_action", actor=Actor.of(operator), source="web")
    assert not Widening.objects.exists()
    assert loaded(lake, *MOON)
