"""When a freeze holds, to the second and across changed clocks, and what waits inside of one."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.audit import Actor
from app.core.errors import Invalid, NotAllowed
from app.core.models import AuditRecord, User
from approvals import freezes
from approvals.execute import execute
from approvals.models import Freeze, Proposal
from tests.approvals.light import API, CHANGED_CODE, Light, approve, proposal


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ONCE = Freeze(scope="all", since=at("2026-12-24T18:00"), until=at("2026-12-27T06:00"))
NIGHT = Freeze(scope="all", weekdays=[4], opens=time(22), closes=time(6), zone="Europe/Berlin")
# 29 March 2026 and 25 October 2026 are Sundays on which Berlin's clocks change.
SUNDAY = Freeze(scope="all", weekdays=[6], opens=time(1), closes=time(4), zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("row", "when", "holds"),
    [
        (ONCE, "2026-12-24T17:59:59", False),
        (ONCE, "2026-12-24T18:00:00", True),
        (ONCE, "2026-12-27T05:59:59", True),
        (ONCE, "2026-12-27T06:00:00", False),
        (NIGHT, "2026-11-20T20:59:59", False),  # Friday, 21:59:59 in Berlin
        (NIGHT, "2026-11-20T21:00:00", True),
        (NIGHT, "2026-11-21T04:59:59", True),  # into Saturday
        (NIGHT, "2026-11-21T05:00:00", False),
        (NIGHT, "2026-11-21T21:00:00", False),  # Saturday night is not Friday night
        (NIGHT, "2026-07-03T20:00:00", True),  # in summer an hour earlier by UTC
        (SUNDAY, "2026-03-29T00:00:00", True),
        (SUNDAY, "2026-03-29T01:59:59", True),  # 3:59:59: the hour from two to three is not there
        (SUNDAY, "2026-03-29T02:00:00", False),
        (SUNDAY, "2026-10-25T02:59:59", True),  # 3:59:59: the hour from two to three was there twice
        (SUNDAY, "2026-10-25T03:00:00", False),
    ],
)
def test_a_freeze_holds_from_its_first_second_until_its_last(row: Freeze, when: str, holds: bool) -> None:
    assert freezes.covers(row, at(when)) is holds


def _declare(by: User, scope: str, **more: Any) -> Freeze:
    now = clock.now()
    given = {"since": now - timedelta(hours=1), "until": now + timedelta(hours=1), "reason": "Year's end", **more}
    return freezes.declare(scope, **given, by=by, actor=Actor.of(by), source=API)


@pytest.mark.parametrize("scope", ["all", "connection:code", "action:patch_code", "asset:iceberg://lake/raw.orders"])
def test_nothing_starts_inside_a_freeze_and_it_starts_once_it_is_over(
    world: Light, approver: User, administrator: User, scope: str
) -> None:
    made = proposal(world, (CHANGED_CODE,))
    _declare(administrator, "connection:other")
    row = _declare(administrator, scope)
    approve(made, approver)
    execute(Proposal.objects.get(pk=made.pk))
    made.refresh_from_db()
    assert (made.status, world.commits()) == ("approved", 1)
    freezes.end(row, by=administrator, actor=Actor.of(administrator), source=API)
    execute(Proposal.objects.get(pk=made.pk))
    made.refresh_from_db()
    assert (made.status, world.commits()) == ("validating", 2)


def test_what_waited_in_a_freeze_past_its_start_is_void(world: Light, approver: User, administrator: User) -> None:
    made = proposal(world, (CHANGED_CODE,))
    _declare(administrator, "all")
    approve(made, approver)
    Proposal.objects.filter(pk=made.pk).update(start_by=clock.now() - timedelta(seconds=1))
    execute(Proposal.objects.get(pk=made.pk))
    assert world.commits() == 1
    assert AuditRecord.objects.get(event="execution.void").detail["field"] == "start_by"


@pytest.mark.parametrize(
    "given",
    [
        {"since": None}, {"until": at("2020-01-01")}, {"reason": " "}, {"weekdays": [1]},
        {"weekdays": [7], "opens": time(1), "closes": time(2)},
        {"weekdays": [1], "opens": time(1), "closes": time(2), "zone": "Mars/Base"},
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_half_a_freeze_is_none(administrator: User, given: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        _declare(administrator, "all", **given)
    assert not Freeze.objects.exists()


@pytest.mark.django_db
def test_only_an_administrator_declares_one(approver: User) -> None:
    with pytest.raises(NotAllowed):
        _declare(approver, "all")
