from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from approvals.models import Decision, Execution, ExecutionStep, KillSwitch, Proposal
from incidents.models import Incident
from tests.approvals.light import CHANGED_CODE, DATA, Light, approve, proposal
from tests.pages.seed_proposal import DIFF, FINGERPRINT

HX = {"HX-Request": "true"}


def shown(client: Any, number: int = 1042) -> str:
    answer = client.get(f"/incidents/{number}/proposal/", headers=HX)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def set_status(status: str, **fields: Any) -> Proposal:
    Proposal.objects.filter(incident__number=1042).update(status=status, **fields)
    return Proposal.objects.get(incident__number=1042)


def executed(made: Proposal, outcome: str = "done", **fields: Any) -> Execution:
    now = timezone.now()
    run = Execution.objects.create(
        proposal=made, fingerprint=made.fingerprint, started_at=now, finished_at=now if outcome else None,
        outcome=outcome, **fields,
    )  # fmt: skip
    ExecutionStep.objects.create(
        execution=run, number=1, kind="publish", title="Fast-forward `main`", key=f"k-{run.pk}", status="done",
        started_at=now, finished_at=now, receipt={"before": {"a": "1"}, "after": {"a": "2"}},
    )  # fmt: skip
    return run


def test_the_proposal_shows_what_will_be_signed(console: Any, yen: Incident) -> None:
    page = shown(console)
    for words in ("$3,118,402", "$81,794", "Medium risk", "6 of 6, 4m 37s", "What was not checked",
                  "Fast-forward <code>main</code>", "8264419170335512", "9f2c 41d7 b06e 8a13"):  # fmt: skip
        assert words in page
    added = [line for line in DIFF.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert page.count('<span class="add">') == len(added)
    assert '<span class="cell-old">14,800.00</span> <span class="cell-new">99.01</span>' in page


def test_without_script_the_proposal_is_a_page_of_its_own(console: Any, yen: Incident) -> None:
    assert 'href="/incidents/1042/proposal/"' in console.get("/incidents/1042/").content.decode()
    page = console.get("/incidents/1042/proposal/").content.decode()
    assert "<html" in page and 'id="sign"' in page


def test_the_last_signature_is_mine_and_says_what_it_does(console: Any, yen: Incident) -> None:
    page = shown(console)
    assert "Approve &amp; publish" in page and "2 of 2. Publishes at once." in page
    assert f'name="fingerprint" value="{FINGERPRINT}"' in page
    Decision.objects.all().delete()
    assert "Approve, 1 of 2" in shown(console)


def test_who_signed_waits_for_another_and_may_withdraw(client: Any, yen: Incident, cast: dict[str, Any]) -> None:
    client.force_login(cast["lead"])
    page = shown(client)
    assert "withdraw my signature" in page and 'value="approve"' not in page


@pytest.mark.parametrize(
    ("who", "why"), [("analyst", "Signing needs the approver role"), ("on_call", "You supplied this plan")]
)
def test_who_may_not_sign_reads_why(client: Any, yen: Incident, cast: dict[str, Any], who: str, why: str) -> None:
    Proposal.objects.update(editors=[cast["on_call"].pk])
    client.force_login(cast[who])
    page = shown(client)
    assert why in page and 'value="approve"' not in page


@pytest.mark.parametrize(
    ("status", "words", "can_restage"),
    [
        ("drafted", "Staging. Nothing is signed", False),
        ("verifying", "The report is being computed", False),
        ("verification_failed", "A check is red", True),
        ("expired", "unsigned. Nothing was changed", True),
        ("superseded", "Nobody can sign this proposal", True),
        ("rejected", "Rejected.", False),
        ("changes_requested", "Changes were asked for", False),
        ("blocked", "The safety rules forbid it", False),
        ("approved", "A worker takes it up", False),
    ],
)
def test_each_status_has_a_bar_of_its_own(
    console: Any, yen: Incident, status: str, words: str, can_restage: bool
) -> None:
    set_status(status)
    page = shown(console)
    assert words in page
    assert ('id="restage"' in page) is can_restage
    assert 'value="approve"' not in page


def test_a_passed_deadline_shows_as_expired_before_the_sweep_says_so(console: Any, yen: Incident) -> None:
    set_status("awaiting_decision", expires_at=timezone.now() - timedelta(seconds=1))
    assert "unsigned. Nothing was changed" in shown(console)


def test_a_published_fix_can_be_undone_for_a_day_and_shows_its_receipts(console: Any, yen: Incident) -> None:
    run = executed(set_status("done"))
    assert f"/executions/{run.pk}/undo/" in shown(console)
    assert "Published" in shown(console) and run.steps.get().key in shown(console)
    Execution.objects.update(finished_at=timezone.now() - timedelta(hours=25))
    assert "/undo/" not in shown(console)


def test_an_unrehearsed_plan_says_so_in_words(console: Any, yen: Incident) -> None:
    Proposal.objects.update(rehearsal="dry_run")
    assert "Not rehearsed." in shown(console)


def test_a_stopped_system_is_stated_and_the_button_is_off(console: Any, yen: Incident, cast: dict[str, Any]) -> None:
    KillSwitch.objects.create(scope="all", pressed_by=cast["lead"])
    page = shown(console)
    assert "Executions are stopped for all" in page
    assert re.search(r'id="approve"[^>]* disabled', page)


def test_nothing_is_sent_again_when_nothing_changed(console: Any, yen: Incident) -> None:
    page = shown(console)
    for address in re.findall(r'hx-get="([^"]+have=[^"]+)"', page):
        assert console.get(address, headers=HX).status_code == 204
    assert "no proposal yet" in shown(console, 1044)


# --- decisions, on real engines ----------------------------------------------------------------------------------


def send(client: Any, made: Proposal, **fields: str) -> Any:
    words = {"decision": "approve", "fingerprint": made.fingerprint, **fields}
    return client.post(f"/proposals/{made.pk}/decisions/", words, headers=HX)


def test_the_last_signature_answers_with_the_next_state_of_the_bar(client: Any, world: Light, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))
    client.force_login(approver)
    answer = send(client, made)
    assert answer.status_code == 200
    assert "A worker takes it up" in answer.content.decode()
    assert answer.headers["HX-Trigger"] == "incident-changed"
    made.refresh_from_db()
    assert made.status == "approved"


def test_a_moved_base_answers_409_and_draws_the_stale_state(client: Any, world: Light, approver: Any) -> None:
    made = proposal(world, (DATA,))
    world.move_lake()
    client.force_login(approver)
    answer = send(client, made)
    page = answer.content.decode()
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (409, "#sign")
    assert "Production moved" in page and 'id="restage"' in page and 'value="approve"' not in page


def test_refusals_are_said_in_place_with_the_right_status(
    client: Any, world: Light, approver: Any, viewer: Any
) -> None:
    made = proposal(world, (CHANGED_CODE,))
    client.force_login(approver)
    assert send(client, made, fingerprint="0" * 64).status_code == 409
    assert send(client, made, decision="reject").status_code == 422
    assert send(client, made, decision="reject", reason="other").status_code == 422
    assert send(client, made, decision="dance").status_code == 422
    client.force_login(viewer)
    assert send(client, made).status_code == 403
    Proposal.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    client.force_login(approver)
    assert send(client, made).status_code == 410
    assert not Execution.objects.exists()


def test_each_sheet_sends_its_own_words(client: Any, world: Light, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))
    client.force_login(approver)
    words = {"note": "Not this one.", "changes": "Only the mart.", "reason": "risk"}
    assert send(client, made, decision="reject", **words).status_code == 200
    made.refresh_from_db()
    assert (made.status, made.decisions.get().comment) == ("rejected", "Not this one.")


def test_undo_is_asked_from_the_bar(client: Any, world: Light, approver: Any, operator: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))
    run = approve(made, approver)
    client.force_login(operator)
    assert client.post(f"/executions/{run.pk}/undo/", headers=HX).status_code == 403
    client.force_login(approver)
    refused = client.post(f"/executions/{run.pk}/undo/", headers=HX)
    assert refused.status_code == 409 and "Only a fix that was published" in refused.content.decode()
