from __future__ import annotations

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.models import Proposal
from incidents.models import Incident
from tests import factories
from tests.approvals.light import CHANGED_CODE, Light, proposal
from tests.pages.seed_proposal import add_proposal


def another(cast: dict[str, Any], **fields: Any) -> Proposal:
    incident = factories.incident(status="awaiting_decision")
    return add_proposal(incident, cast, signed_by=[], fingerprint=f"{incident.pk:064x}", **fields)


def test_for_me_holds_what_i_can_still_sign(client: Any, yen: Incident, cast: dict[str, Any]) -> None:
    client.force_login(cast["on_call"])
    page = client.get("/approvals/").content.decode()
    assert "Yours is the last of 2" in page and 'aria-label="1 waiting for you"' in page
    client.force_login(cast["lead"])  # has signed
    assert "Nothing waits for a signature" in client.get("/approvals/").content.decode()
    assert "You signed" in client.get("/approvals/?tab=all").content.decode()


def test_what_needs_staging_again_stands_below_and_what_is_decided_apart(
    console: Any, yen: Incident, cast: dict[str, Any]
) -> None:
    stale = another(cast, status="superseded", status_reason="Production moved.")
    done = another(cast, status="done")
    page = console.get("/approvals/").content.decode()
    assert f'id="ask-{stale.pk}"' in page and "Re-stage" in page and f'id="ask-{done.pk}"' not in page
    assert page.index("Yours is the last") < page.index(f'id="ask-{stale.pk}"')
    assert f'id="ask-{done.pk}"' in console.get("/approvals/?tab=decided").content.decode()


def test_only_the_first_row_has_the_filled_button(console: Any, yen: Incident, cast: dict[str, Any]) -> None:
    for _ in range(3):
        another(cast)
    page = console.get("/approvals/").content.decode()
    assert (page.count("btn--primary"), page.count("btn btn--tinted")) == (1, 3)


def test_a_request_to_a_person_can_be_read_before_it_is_sent(console: Any, yen: Incident, cast: dict[str, Any]) -> None:
    made = another(cast, action="ask_owner")
    ask = {"kind": "ask", "where": "production", "title": "Ask", "action": "ask_owner", "connection": "",
           "params": {"to": {"name": "US planning"}, "message": "Please upload it again.", "due_h": 4}}  # fmt: skip
    Proposal.objects.filter(pk=made.pk).update(plan={**made.plan, "steps": [ask]})
    page = console.get("/approvals/").content.decode()
    assert "Please upload it again." in page and "No production change" in page and "US planning" in page


def test_in_the_queue_the_reason_is_the_button(client: Any, world: Light, approver: Any) -> None:
    made = proposal(world, (CHANGED_CODE,))
    client.force_login(approver)
    answer = client.post(
        f"/proposals/{made.pk}/decisions/",
        {"fingerprint": made.fingerprint, "reject": "wrong_cause"},
        headers={"HX-Request": "true", "HX-Target": f"ask-{made.pk}"},
    )
    assert answer.status_code == 200 and f'id="ask-{made.pk}"' in answer.content.decode()
    made.refresh_from_db()
    assert (made.status, made.decisions.get().reason) == ("rejected", "wrong_cause")


def test_the_number_of_queries_does_not_grow_with_the_queue(console: Any, yen: Incident, cast: dict[str, Any]) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            console.get("/approvals/")
        return len(queries)

    another(cast, status="superseded")
    before = cost()
    for _ in range(8):
        another(cast)
        another(cast, status="superseded")
    assert cost() == before <= 15
