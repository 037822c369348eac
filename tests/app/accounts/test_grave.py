"""What is grave waits for a step-up on the page: the button leads there and back, and never acts by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from app.core import limits
from app.core.models import User
from approvals.models import Decision, Proposal
from tests.app.accounts.signing_in import signed_in
from tests.approvals.light import CHANGED_CODE, light, proposal
from tests.factories import PASSWORD


@pytest.fixture
def grave(tmp_path: Path, transactional_db: None) -> Proposal:
    return proposal(light(tmp_path), (CHANGED_CODE,), risk="high")


def press(client: Client, made: Proposal, **headers: str) -> Any:
    sent = {"decision": "approve", "fingerprint": made.fingerprint}
    return client.post(f"/proposals/{made.pk}/decisions/", sent, headers=headers)


def htmx(path: str) -> dict[str, str]:
    return {"HX-Request": "true", "HX-Current-URL": f"http://testserver{path}", "HX-Target": "sign"}


def back_of(where: str) -> str:
    assert urlsplit(where).path == "/step-up/"
    return parse_qs(urlsplit(where).query)["next"][0]


def test_approve_leads_to_the_step_up_and_back_and_never_signs_by_itself(grave: Proposal, approver: User) -> None:
    client, page = signed_in(approver), f"/incidents/{grave.incident.number}/?proposal={grave.pk}"
    answer = press(client, grave, **htmx(page))
    assert answer.status_code == 204
    assert back_of(answer.headers["HX-Redirect"]) == page
    plain = press(client, grave, Referer=f"http://testserver{page}")
    assert (plain.status_code, back_of(plain.headers["Location"])) == (302, page)
    assert back_of(press(client, grave, Referer="https://evil.example/x").headers["Location"]) == "/incidents/"
    step = client.post("/step-up/", {"password": PASSWORD, "next": page})
    assert step.headers["Location"] == page
    assert "Nothing was done yet" in client.get(page).content.decode()
    assert not Decision.objects.exists()
    assert press(client, grave, **htmx(page)).status_code == 200
    said = Decision.objects.get().source["session"]
    assert said["step_up_at"] >= said["auth_time"]


def test_a_step_up_in_one_session_does_not_count_in_another(grave: Proposal, approver: User) -> None:
    here, there = signed_in(approver), signed_in(approver)
    here.post("/step-up/", {"password": PASSWORD})
    assert press(there, grave).headers["Location"].startswith("/step-up/")
    assert not Decision.objects.exists()


def test_decisions_are_limited_for_a_person_and_an_address(
    grave: Proposal, approver: User, second_approver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "A_MINUTE", 2)
    client, other = signed_in(approver), signed_in(second_approver)
    assert [press(client, grave).status_code for _ in range(4)] == [302, 302, 429, 429]
    assert [press(other, grave).status_code for _ in range(3)] == [302, 302, 429]
    refused = press(client, grave, **htmx("/approvals/"))
    assert refused.headers["Retry-After"]
    assert refused.content.decode().strip().startswith('<p class="note')  # so that the page shows it in place
