"""An approver's browser that fetches every link ahead of time decides nothing and changes nothing."""

from __future__ import annotations

from typing import Any

from django.test import Client

from app.core.models import User
from app.gateway import pins
from approvals.models import Proposal
from incidents.models import Incident
from tests.pages.crawl import crawl, fingerprints


def test_pressing_every_link_changes_nothing(console: Any, cast: dict[str, User], yen: Incident) -> None:
    """Links, fragments, and the addresses of forms pressed as if they were links: also the deciding ones."""
    User.objects.filter(pk=cast["on_call"].pk).update(roles=["approver", "administrator", "operator", "auditor"])
    pins.quarantined()  # the first look pins the tools that are installed, whoever looks
    before, statuses = fingerprints(), list(Proposal.objects.values_list("pk", "status"))
    pressed = {}
    for path, answer in crawl(console, "/incidents/"):
        pressed[path] = answer.status_code
        policy = answer.headers.get("Content-Security-Policy", "")
        assert "'unsafe-inline'" not in policy and "'unsafe-eval'" not in policy and policy, path
    decide = [path for path in pressed if path.endswith("/decisions/")]
    assert decide and {pressed[path] for path in decide} == {405}
    assert len(pressed) > 60
    assert {path: code for path, code in pressed.items() if code >= 500} == {}
    assert fingerprints() == before
    assert list(Proposal.objects.values_list("pk", "status")) == statuses


def test_the_pages_of_sign_in_change_nothing_by_being_looked_at(db: None, approver: User) -> None:
    before = fingerprints()
    for _, answer in crawl(Client(), "/sign-in/", "/sign-in/second/", "/sign-in/oidc/", "/sign-in/oidc/back/?code=x"):
        assert answer.status_code < 500
    after = fingerprints()
    assert {name for name in before if before[name] != after[name]} <= {"core_auditrecord"}  # a forged answer is told
