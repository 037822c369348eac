"""Notes that hold a plan back, ask for a person, or name whom to ask; without the note it goes on."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.audit import Actor
from app.core.errors import Stale
from app.core.models import AuditRecord, User
from approvals.decide import decide
from approvals.execute import execute
from approvals.models import Execution, Proposal
from approvals.plan import Plan, Step
from approvals.remedies.ask_owner import ask_owner
from approvals.remedies.case import Case, NoPlan
from approvals.restrained import missing, named, refusals
from knowledge.archive import archive
from knowledge.hints import Contact, DoNotTouch, Hint, MustApprove, as_json
from knowledge.models import Entry
from knowledge.write import Content, create
from tests import factories
from tests.approvals.light import API, CHANGED_CODE, DATA, LAKE, RERUN, Light, approve, proposal

HELD = DoNotTouch("Audited until April.")


def write(by: User, rule: str, *hints: Hint, **more: Any) -> Entry:
    content = Content("annotation", "Audit", rule, "", hints, **more)
    return create(content, by=by, actor=Actor.of(by), source="web")


@pytest.mark.parametrize("rule", ["asset = raw.orders", "asset = raw.*", f"asset = {LAKE}/raw.orders",
                                  'asset = raw.orders and error ~ "seen in no case"'])  # fmt: skip
def test_what_a_note_forbids_to_touch_no_plan_touches(world: Light, operator: User, rule: str) -> None:
    plan = Plan.from_json(proposal(world, (DATA,)).plan)
    assert refusals(plan) == ()
    write(operator, rule, HELD)
    assert refusals(plan) == ("“Audit” forbids to touch it: Audited until April.",)


@pytest.mark.parametrize(
    ("rule", "more"), [("asset = raw.other", {}), ("class = code and asset = raw.other", {}), ("", {})]
)
def test_what_is_about_something_else_holds_nothing(
    world: Light, operator: User, rule: str, more: dict[str, Any]
) -> None:
    write(operator, rule, HELD, **more)
    assert refusals(Plan.from_json(proposal(world, (DATA,)).plan)) == ()


def test_a_draft_and_an_archived_note_hold_nothing_and_a_message_touches_nothing(world: Light, operator: User) -> None:
    note = write(operator, "asset = raw.orders", HELD)
    asks = proposal(world, (("ask", ""),), owner={"name": "Carla", "email": "c@example.com"})
    assert refusals(Plan.from_json(asks.plan)) == ()
    archive(note, by=operator, actor=Actor.of(operator), source="web")
    assert refusals(Plan.from_json(proposal(world, (DATA,), table="raw.orders").plan)) == ()


def test_a_note_that_is_written_after_the_last_signature_still_stops_it(
    world: Light, operator: User, approver: User
) -> None:
    made = proposal(world, (DATA,))
    approve(made, approver)
    write(operator, "asset = raw.orders", HELD)
    before = world.snapshots()
    execute(made)
    assert world.snapshots() == before
    stopped = AuditRecord.objects.get(event="execution.void")
    assert stopped.detail["field"] == "safety"
    assert "Audited until April" in stopped.reason


def test_a_named_person_must_sign_and_one_who_signed_is_not_enough(
    world: Light, operator: User, approver: User, second_approver: User
) -> None:
    write(operator, "asset = raw.orders", MustApprove(("second_approver", "role:approver")))
    made = proposal(world, (CHANGED_CODE, DATA))
    assert named(Plan.from_json(made.plan)) == ["second_approver", "role:approver"]
    sign(made, approver)
    assert (made.status, Execution.objects.count()) == ("awaiting_decision", 0)
    assert missing(made, list(made.decisions.select_related("by"))) == ["second_approver"]
    sign(made, second_approver)
    assert (made.status, Execution.objects.count()) == ("approved", 1)


def test_a_note_that_asks_for_another_person_voids_what_was_signed_before(
    world: Light, operator: User, approver: User
) -> None:
    signed, waiting = proposal(world, (DATA,)), proposal(world, (DATA,), table="raw.orders")
    approve(signed, approver)
    write(operator, "asset = raw.orders", MustApprove(("approver",)))
    with pytest.raises(Stale, match="policy"):
        sign(waiting, approver)
    before = world.snapshots()
    execute(signed)
    assert world.snapshots() == before
    assert AuditRecord.objects.get(event="execution.void").detail["field"] == "policy"


def test_who_must_sign_too_is_signed_as_it_is_shown(world: Light, operator: User, approver: User) -> None:
    write(operator, "asset = raw.orders", MustApprove(("second_approver",)))
    made = proposal(world, (DATA,))
    Proposal.objects.filter(pk=made.pk).update(policy={**made.policy, "also": []})
    with pytest.raises(Stale, match="policy"):
        sign(made, approver)


def sign(made: Proposal, by: User) -> None:
    decide(made, "approve", fingerprint=made.fingerprint, by=by, actor=Actor.of(by), source=API)
    made.refresh_from_db()


def test_a_rejection_in_words_becomes_a_draft_that_is_not_used_yet(world: Light, approver: User) -> None:
    made = proposal(world, (RERUN,))
    decide(made, "reject", fingerprint=made.fingerprint, by=approver, actor=Actor.of(approver), source=API,
           reason="other", comment="The vendor re-sends it at noon.")  # fmt: skip
    note = Entry.objects.get()
    assert (note.state, note.origin, note.title, note.author) == (
        "draft", "incident", "The vendor re-sends it at noon.", approver,
    )  # fmt: skip
    assert note.rule == "asset = raw.orders"
    assert "was proposed for" in note.body


@pytest.mark.parametrize(
    ("contact", "to"),
    [
        (Contact("Dolores", "dolores@example.com"), {"name": "Dolores", "email": "dolores@example.com"}),
        (Contact("operator", "#planning"), {"name": "operator", "email": "operator@example.com"}),
        (Contact("Carla"), {"name": "Carla", "email": "carla@example.com"}),
    ],
)
def test_the_one_whom_a_note_names_is_asked(operator: User, contact: Contact, to: dict[str, str]) -> None:
    incident = factories.incident(status="proposing")
    facts = {"asset": "test://warehouse/raw.orders", "owner": {"name": "Carla", "email": "carla@example.com"},
             "hints": [{"cite": "K1", "hint": as_json([contact])[0]}]}  # fmt: skip
    plan = ask_owner(Case(incident, facts, None))  # type: ignore[arg-type]
    (step,) = plan.steps
    assert isinstance(step, Step)
    assert step.params["to"] == to
    assert f"K1 says: Ask {contact.who}" in plan.why
    without = ask_owner(Case(incident, {**facts, "hints": []}, None))  # type: ignore[arg-type]
    assert without.steps[0].params["to"]["name"] == "Carla"
    with pytest.raises(NoPlan):
        ask_owner(Case(incident, {**facts, "hints": [], "owner": {}}, None))  # type: ignore[arg-type]
