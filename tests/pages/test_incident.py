from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from app.core import audit
from app.core.models import AuditRecord
from incidents.models import Comment, Diagnosis, Evidence, Incident
from knowledge.models import Entry
from tests import factories
from tests.pages.seed_evidence import ITEMS

HX = {"HX-Request": "true"}


def test_the_page_tells_what_happened_with_citations_that_lead_to_evidence(console: Any, yen: Incident) -> None:
    page = console.get("/incidents/1042/").content.decode()
    assert "JPY amounts read as USD" in page
    for cited in set(re.findall(r'class="cite" href="#(\w+)"', page)):
        assert f'id="{cited}"' in page
    assert "Considered and rejected" in page
    assert 'aria-current="step"><b data-n="Step 5 of 7: ">Awaiting decision' in page
    assert "14 downstream, 2 dashboards" in page


def test_what_a_model_says_is_said_to_be_a_model_s(console: Any, yen: Incident) -> None:
    model = {"cites": [], "by": "model"}
    Diagnosis.objects.update(
        claims=[{"text": "It is late", **model}], alternatives=[{"cause": "A leak", "why_not": "No", **model}]
    )
    assert console.get("/incidents/1042/").content.decode().count("the model:") == 2


def test_every_kind_of_evidence_is_drawn_and_an_unknown_one_too(console: Any, yen: Incident) -> None:
    Evidence.objects.create(
        incident=yen, label="E90", kind="moonphase", title="The moon", body={"phase": "full"}, source="sky"
    )
    page = console.get("/incidents/1042/").content.decode()
    for label, _, title, *_ in ITEMS:
        assert label in page and title in page
    assert "Phase" in page and "full" in page
    assert '<svg class="lineage"' in page and '<svg class="strip"' in page
    assert "Untrusted text" in page and "Human-authored" in page


@pytest.mark.parametrize("kind", ["log", "signature", "lineage", "schema", "runs", "changes", "profile", "keys",
                                  "grants", "parameters", "similar", "knowledge"])  # fmt: skip
def test_evidence_without_its_usual_keys_does_not_break_the_page(console: Any, kind: str) -> None:
    incident = factories.incident()
    Evidence.objects.create(incident=incident, label="E1", kind=kind, title="Bare", body={}, source="test")
    assert console.get(f"/incidents/{incident.number}/").status_code == 200


def test_blocks_answer_204_when_they_did_not_change(console: Any, yen: Incident) -> None:
    for block, target in (("findings", "diagnosis"), ("timeline", "timeline")):
        page = console.get("/incidents/1042/").content.decode()
        have = re.search(rf"/incidents/1042/{block}/\?have=([\w-]+)", page)
        assert have
        assert console.get(f"/incidents/1042/{block}/?have={have[1]}", headers=HX).status_code == 204
        assert f'id="{target}"' in console.get(f"/incidents/1042/{block}/?have=old", headers=HX).content.decode()


def test_a_comment_lands_on_the_timeline_and_in_the_trail(console: Any, yen: Incident) -> None:
    answer = console.post("/incidents/1042/comment/", {"text": "The mail went to finance."}, headers=HX)
    assert "The mail went to finance." in answer.content.decode()
    assert answer.headers["HX-Trigger"] == "incident-changed"
    assert Comment.objects.filter(incident=yen, text="The mail went to finance.").exists()
    assert AuditRecord.objects.filter(event="incident.commented", correlation=1042, source__door="web").count() == 2


def test_without_script_a_form_leads_back_to_the_page(console: Any, yen: Incident) -> None:
    answer = console.post("/incidents/1042/comment/", {"text": "Seen."})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/incidents/1042/")


def test_a_person_takes_it_hands_it_on_and_lets_it_go(console: Any, yen: Incident, cast: dict[str, Any]) -> None:
    for owner, expected in (("me", cast["on_call"]), (str(cast["lead"].pk), cast["lead"]), ("", None)):
        assert console.post("/incidents/1042/assign/", {"owner": owner}, headers=HX).status_code == 200
        yen.refresh_from_db()
        assert yen.owner == expected
    assert console.post("/incidents/1042/assign/", {"owner": "everyone"}).status_code == 422
    assert console.post("/incidents/1042/assign/", {"owner": str(cast["analyst"].pk)}).status_code == 422


def test_resolving_needs_a_reason_from_the_list(console: Any, yen: Incident) -> None:
    refused = console.post("/incidents/1042/resolve/", {"resolution": "bored"}, headers=HX)
    assert refused.status_code == 422
    answer = console.post("/incidents/1042/resolve/", {"resolution": "expected", "comment": "Tokyo."}, headers=HX)
    assert "Resolved" in answer.content.decode() and "Tokyo." in answer.content.decode()
    yen.refresh_from_db()
    assert (yen.status, yen.resolution) == ("resolved", "expected")


def test_an_escalated_incident_is_sent_back_to_diagnosis(console: Any, yen: Incident) -> None:
    assert "Diagnose again" in console.get("/incidents/1037/").content.decode()
    assert console.post("/incidents/1037/diagnose/", headers=HX).status_code == 200
    assert Incident.objects.get(number=1037).status == "diagnosing"
    assert console.post("/incidents/1042/diagnose/").status_code == 409  # it waits for a decision


def test_what_the_system_did_not_know_becomes_a_note_on_the_root_asset(console: Any, yen: Incident) -> None:
    answer = console.post("/incidents/1042/annotate/", {"text": "Tokyo is live."}, headers=HX)
    assert "Saved." in answer.content.decode()
    note = Entry.objects.get()
    assert (note.rule, note.body, note.incident_number) == ("asset = raw.sales", "Tokyo is live.", 1042)


@pytest.mark.parametrize("door", ["comment", "assign", "resolve", "diagnose", "annotate"])
def test_who_may_only_look_is_shown_no_form_and_refused_when_sending_one(
    client: Any, yen: Incident, cast: dict[str, Any], door: str
) -> None:
    client.force_login(cast["analyst"])
    page = client.get("/incidents/1042/").content.decode()
    assert f"/incidents/1042/{door}/" not in page
    assert client.post(f"/incidents/1042/{door}/", {"text": "x", "resolution": "fixed"}).status_code == 403
    assert client.get(f"/incidents/1042/{door}/").status_code == 405


def test_an_incident_that_is_not_there_is_a_404(console: Any) -> None:
    assert console.get("/incidents/999999/").status_code == 404


def test_the_cost_of_a_page_does_not_grow_with_its_history(console: Any, yen: Incident) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            console.get("/incidents/1042/")
        return len(queries)

    before = cost()
    for _ in range(50):
        audit.record("incident.event_joined", yen, actor=audit.SYSTEM, source="api")
    assert cost() == before <= 15


def test_a_resolved_incident_offers_a_draft_of_what_happened(console: Any, yen: Incident) -> None:
    assert console.get("/incidents/1041/lesson/").status_code == 204  # nothing has been learned yet
    assert "Open the draft" in console.get("/incidents/1033/lesson/").content.decode()
    opened = console.post("/incidents/1033/capture/")
    made = Entry.objects.get()
    assert (made.state, made.incident_number, made.rule) == ("draft", 1033, "asset = mart.inventory")
    assert opened.headers["Location"] == f"/knowledge/{made.pk}/"
    console.post("/incidents/1033/capture/")
    assert Entry.objects.count() == 1  # the same lesson twice is one draft


def test_a_rejection_offers_its_reason_as_a_draft(console: Any, yen: Incident, cast: dict[str, Any]) -> None:
    proposal = yen.proposals.get()
    proposal.decisions.create(decision="reject", by=cast["lead"], door="web", comment="Tokyo sells in yen on purpose.")
    assert "Tokyo sells in yen on purpose." in console.get("/incidents/1042/lesson/").content.decode()
