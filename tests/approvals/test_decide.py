from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from app.core.audit import Actor
from app.core.errors import CountersignError, Expired, Invalid, NotAllowed, Stale
from app.core.models import AuditRecord
from approvals.decide import decide
from approvals.models import Decision, Execution, Proposal
from tests.approvals.light import API, CHANGED_CODE, DATA, Light, approve, proposal


def _decide(made: Proposal, by: Any, decision: str = "approve", **more: Any) -> Decision:
    words = {"fingerprint": made.fingerprint, "actor": Actor.of(by), "source": API, **more}
    return decide(made, decision, by=by, **words)


def _denials() -> list[tuple[str, str]]:
    return list(AuditRecord.objects.filter(event="decision.denied").values_list("outcome", "error_code"))


def test_the_last_signature_makes_one_execution_and_the_incident_goes_to_fixing(world: Light, approver: Any) -> None:
    made = proposal(world, (DATA,))
    execution = approve(made, approver)
    assert (made.status, made.incident.status) == ("approved", "fixing")
    assert execution.fingerprint == made.fingerprint
    assert Proposal.objects.filter(pk=made.pk, start_by__gt=Now(), start_by__lt=Now() + timedelta(minutes=16)).exists()
    assert AuditRecord.objects.filter(event="decision.approve", fingerprint=made.fingerprint).count() == 1


@pytest.mark.parametrize("who", ["viewer", "operator", "auditor", "administrator", "outsider"])
def test_only_an_approver_signs_and_the_refusal_is_on_record(
    world: Light, request: pytest.FixtureRequest, who: str
) -> None:
    made = proposal(world, (CHANGED_CODE,))
    with pytest.raises(NotAllowed):
        _decide(made, request.getfixturevalue(who))
    assert _denials() == [("denied", "not_allowed")]
    assert not Decision.objects.exists()


def test_a_superuser_a_disabled_approver_and_anothers_name_are_refused(
    world: Light, approver: Any, viewer: Any
) -> None:
    made = proposal(world, (CHANGED_CODE,))
    viewer.is_superuser = True
    viewer.save()
    with pytest.raises(NotAllowed):
        _decide(made, viewer)
    with pytest.raises(NotAllowed):
        _decide(made, approver, actor=Actor.of(viewer))
    type(approver).objects.filter(pk=approver.pk).update(is_active=False)
    with pytest.raises(NotAllowed):
        _decide(made, approver)
    assert len(_denials()) == 3


def test_an_editor_cannot_sign_and_a_token_without_the_scope_cannot_either(world: Light, approver: Any) -> None:
    own = proposal(world, (CHANGED_CODE,), editors=(approver.pk,))
    with pytest.raises(NotAllowed):
        _decide(own, approver)
    reader = Actor.of(approver, {"scopes": ["read"]})
    with pytest.raises(NotAllowed):
        _decide(own, approver, actor=reader)
    assert _denials() == [("denied", "not_allowed")] * 2


def test_an_old_fingerprint_is_refused(world: Light, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))
    with pytest.raises(Stale):
        _decide(made, approver, fingerprint="0" * 64)
    assert _denials() == [("denied", "stale")]


def test_a_moved_base_is_refused_and_supersedes_the_proposal(world: Light, approver: Any) -> None:
    made = proposal(world, (DATA,))
    world.move_lake()
    with pytest.raises(Stale):
        _decide(made, approver)
    made.refresh_from_db()
    assert (made.status, made.incident.status) == ("superseded", "open")
    assert _denials() == [("denied", "stale")]


def test_a_plan_that_was_altered_after_verification_is_refused(world: Light, approver: Any) -> None:
    made = proposal(world, (DATA,))
    Proposal.objects.filter(pk=made.pk).update(plan={**made.plan, "why": "Something else."})
    with pytest.raises(Stale, match="plan"):
        _decide(made, approver)


def test_after_the_deadline_by_the_databases_clock_it_is_gone(world: Light, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))
    Proposal.objects.filter(pk=made.pk).update(expires_at=Now() - timedelta(seconds=1))
    with pytest.raises(Expired):
        _decide(made, approver)
    assert _denials() == [("denied", "expired")]


@pytest.mark.parametrize(
    ("decision", "reason", "comment"),
    [
        ("reject", "", ""),
        ("reject", "other", " "),
        ("reject", "because", "x"),
        ("request_changes", "", ""),
        ("sign", "", ""),
    ],
)
def test_a_decision_that_lacks_its_words_is_invalid(
    world: Light, approver: Any, decision: str, reason: str, comment: str
) -> None:
    made = proposal(world, (CHANGED_CODE,))
    with pytest.raises(Invalid):
        _decide(made, approver, decision, reason=reason, comment=comment)


@pytest.mark.parametrize(
    ("words", "status", "incident"),
    [
        ({"decision": "reject", "reason": "risk"}, "rejected", "escalated"),
        ({"decision": "reject", "reason": "wrong_fix", "another_way": True}, "rejected", "proposing"),
        ({"decision": "request_changes", "comment": "Only May."}, "changes_requested", "escalated"),
    ],
)
def test_a_no_has_a_status_of_its_own(
    world: Light, approver: Any, words: dict[str, Any], status: str, incident: str
) -> None:
    made = proposal(world, (CHANGED_CODE,))
    _decide(made, approver, **words)
    made.refresh_from_db()
    assert (made.status, made.incident.status) == (status, incident)
    assert made.status_reason in {"Too risky now", "Right cause, wrong fix", "Only May."}


def test_two_signatures_mean_two_people_and_one_can_be_withdrawn_before_the_last(
    world: Light, approver: Any, second_approver: Any
) -> None:
    made = proposal(world, (CHANGED_CODE,))
    Proposal.objects.filter(pk=made.pk).update(policy={**made.policy, "quorum": 2})
    made.refresh_from_db()
    _decide(made, approver)
    with pytest.raises(Stale):
        _decide(made, approver)
    assert made.status == "awaiting_decision"
    _decide(made, approver, "withdraw")
    _decide(made, second_approver)
    assert not Execution.objects.exists()
    _decide(made, approver)
    assert Execution.objects.count() == 1
    with pytest.raises(Stale):
        _decide(made, approver, "withdraw")


def test_forty_approvals_over_eight_connections_make_one_execution(world: Light, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))

    def sign(_: int) -> str:
        try:
            _decide(Proposal.objects.get(pk=made.pk), approver)
            return "signed"
        except CountersignError as error:
            return f"{error.status}"
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as people:
        answers = sorted(people.map(sign, range(40)))
    assert answers == ["409"] * 39 + ["signed"]
    assert Execution.objects.count() == Decision.objects.count() == 1
    assert AuditRecord.objects.filter(event="decision.denied").count() == 39
