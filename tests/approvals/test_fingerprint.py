"""What an approval binds: flip any of it, and the field is named."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from app.core.audit import Actor
from approvals import checks, fingerprint, policy
from approvals.models import Proposal, Report
from approvals.plan import Plan, Step
from approvals.policy.rules import Rule, When
from integrations.models import Connection, Credential
from integrations.values import Json
from knowledge.archive import archive
from knowledge.hints import MustApprove
from knowledge.write import Content, create
from tests import factories
from tests.approvals.policies import put_in_force

pytestmark = pytest.mark.django_db
URI = "test://lake/raw.t"


@pytest.fixture
def proposal() -> Proposal:
    connection = factories.connection("lake")
    Credential.objects.create(connection=connection, name="dsn", reference="env://X")
    incident = factories.incident(root_asset=factories.asset("raw.t", "test://lake"))
    steps = (
        Step("fork", "Branch", "staging", "lake", {"assets": [URI]}, "quarantine"),
        Step("publish", "Switch", "production", "lake", {"assets": [URI]}, "quarantine", "back"),
    )
    plan = Plan("quarantine", "Hold", "why", incident.number, URI, steps, "undo", (URI,))
    made = Proposal.objects.create(
        incident=incident, number=1, status="awaiting_decision", action="quarantine", title="Hold", plan=plan.as_json(),
        risk="medium", rehearsal="branch", base={"lake": {URI: "1"}}, proposer={"type": "rules"},
        branches=[{"connection": "lake", "name": "b", "base": {URI: "1"}, "head": {URI: "2"}}],
        requested_at="2026-11-20T10:00:00Z", expires_at="2026-11-20T20:00:00Z",
    )  # fmt: skip
    Report.objects.create(proposal=made, checks=[{"name": "a", "state": "ok"}], green=True, sha256="", verifier="")
    return Proposal.objects.get(pk=made.pk)


def changed(proposal: Proposal, change: Callable[[Proposal], None]) -> list[str]:
    """Names of what differs after `change` was saved."""
    before = fingerprint.bind(proposal)
    change(proposal)
    proposal.save()
    now = fingerprint.bind(Proposal.objects.get(pk=proposal.pk))
    fields = fingerprint.differences(before, now)
    assert bool(fields) == (fingerprint.fingerprint_of(before) != fingerprint.fingerprint_of(now))
    return fields


def test_the_repository_behind_a_runner_is_bound_as_well(proposal: Proposal) -> None:
    code = factories.connection("code", path="/srv/a")
    Connection.objects.filter(name="lake").update(config={"git": "code"})
    before = fingerprint.bind(proposal)
    Connection.objects.filter(pk=code.pk).update(config={"path": "/srv/b"})
    assert fingerprint.differences(before, fingerprint.bind(proposal)) == ["connections"]


@pytest.mark.parametrize("part", ["name", "base", "head"])
def test_every_part_of_a_staging_branch_is_bound(proposal: Proposal, part: str) -> None:
    def change(row: Proposal) -> None:
        row.branches[0][part] = "another" if part == "name" else {URI: "9"}

    assert changed(proposal, change) == ["staging"]


def test_reading_it_again_gives_the_same_fingerprint(proposal: Proposal) -> None:
    assert changed(proposal, lambda row: None) == []
    assert sorted(fingerprint.bind(proposal)) == sorted(fingerprint.FIELDS)


def _set(name: str, value: Any) -> Callable[[Proposal], None]:
    return lambda row: setattr(row, name, value)


def _step(row: Proposal) -> None:
    row.plan["steps"][1]["params"]["assets"] = ["test://lake/raw.other"]


def _caps(row: Proposal) -> None:
    row.plan["caps"]["rows"] += 1


def _later(row: Proposal) -> None:
    assert row.expires_at
    row.expires_at += timedelta(microseconds=1)


def _report(**fields: Any) -> Callable[[Proposal], None]:
    return lambda row: Report.objects.filter(proposal=row).update(**fields) and None


def _connection(**fields: Any) -> Callable[[Proposal], None]:
    return lambda row: Connection.objects.filter(name="lake").update(**fields) and None


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("plan", _step), ("plan", lambda row: row.plan.update(on_red="stop")),
        ("plan", lambda row: row.plan.update(title="Hol d")),
        ("base", _set("base", {"lake": {URI: "3"}})), ("base", _set("base", {})),
        ("staging", lambda row: row.branches[0]["head"].update({URI: "9"})), ("staging", _set("branches", [])),
        ("report", _report(green=False)), ("report", _report(checks=[])), ("report", _report(not_checked=["x"])),
        ("policy", _set("risk", "low")),
        ("connections", _connection(config={"namespace": "test://other"})), ("connections", _connection(enabled=False)),
        ("connections", _connection(kind="git")),
        ("connections", lambda row: Credential.objects.all().delete() and None),
        ("caps", _caps), ("people", _set("editors", [7])), ("people", _set("proposer", {"type": "human", "id": 7})),
        ("requested_at", _set("requested_at", None)), ("expires_at", _later),
    ],
)  # fmt: skip
def test_a_changed_field_is_named(proposal: Proposal, field: str, change: Callable[[Proposal], None]) -> None:
    assert field in changed(proposal, change)


def test_another_policy_or_verifier_is_named(proposal: Proposal, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint.bind(proposal)
    with transaction.atomic():
        put_in_force(Rule("Never asked", When(owner=("nobody",))), *policy.in_force().rules)
        assert fingerprint.differences(before, fingerprint.bind(proposal)) == ["policy"]
        transaction.set_rollback(True)
    monkeypatch.setattr(checks, "verifier", lambda: "other")
    assert fingerprint.differences(before, fingerprint.bind(proposal)) == ["verifier"]


def test_who_must_sign_too_is_part_of_the_policy(proposal: Proposal) -> None:
    author = factories.user("admin", "administrator")
    before = fingerprint.bind(proposal)
    content = Content("annotation", "Ask Carla", "asset = raw.t", "", (MustApprove(("carla",)),))
    note = create(content, by=author, actor=Actor.of(author), source="web")
    asked = fingerprint.bind(proposal)
    assert asked["policy"]["also"] == ["carla"] and fingerprint.differences(before, asked) == ["policy"]
    archive(note, by=author, actor=Actor.of(author), source="web")
    assert fingerprint.differences(asked, fingerprint.bind(proposal)) == ["policy"]


def test_every_field_counts_and_a_missing_one_differs(proposal: Proposal) -> None:
    bound = fingerprint.bind(proposal)
    for name in fingerprint.FIELDS:
        other = {**bound, name: "something else"}
        assert fingerprint.differences(bound, other) == [name]
        assert fingerprint.fingerprint_of(other) != fingerprint.fingerprint_of(bound)
        assert fingerprint.differences(bound, {key: value for key, value in bound.items() if key != name}) == [name]


def test_random_changes_of_the_plan_are_all_seen(proposal: Proposal) -> None:
    source, whole = random.Random(7), fingerprint.bind(proposal)  # noqa: S311 - a seed that can be replayed
    for _ in range(300):
        twin = deepcopy(proposal.plan)
        _flip(twin, source)
        proposal.plan, kept = twin, proposal.plan
        assert "plan" in fingerprint.differences(whole, fingerprint.bind(proposal))
        proposal.plan = kept


def _flip(plan: Json, source: random.Random) -> None:
    """One character of one text somewhere in the plan, where the plan can still be read."""
    step = source.choice(plan["steps"])
    owner, name = source.choice(
        [(plan, "title"), (plan, "why"), (plan, "root_asset"), (step, "title"), (step, "connection")]
    )
    text = owner[name]
    place = source.randrange(len(text))
    owner[name] = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]


def test_another_safety_layer_is_a_field_that_differs(proposal: Proposal, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint.bind(proposal)
    monkeypatch.setattr(fingerprint, "pinned", lambda: "f" * 64)
    assert fingerprint.differences(before, fingerprint.bind(proposal)) == ["safety"]
