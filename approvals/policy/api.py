"""`/api/v1/policy`: read it, try another one on the past, propose one. It is signed on the page, never by token."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from app.core.door import Token, by
from approvals.models import PolicyVersion
from approvals.policy import queries
from approvals.policy.file import read, write
from approvals.policy.propose import propose
from approvals.policy.schemas import PolicyIn, PolicyItem, TrialIn, TrialItem, VersionItem
from approvals.policy.simulate import Trial, simulate
from approvals.policy.versions import in_force
from approvals.policy.words import sentence

router = Router(tags=["policy"])


@router.get("/policy", response=PolicyItem, auth=Token("read", "policy.read"))
def policy(request: HttpRequest) -> dict[str, object]:
    held = in_force()
    rules = [{**rule.as_json(), "says": sentence(rule)} for rule in held.rules]
    file = write(held.rules)
    return {"number": held.number, "sha256": held.hash, "file": file, "rules": rules, "waiting": queries.waiting()}


@router.get("/policy/versions", response=list[VersionItem], auth=Token("read", "policy.read"))
def versions(request: HttpRequest) -> list[PolicyVersion]:
    return list(queries.versions()[: queries.HISTORY])


@router.post("/policy/simulate", response=TrialItem, auth=Token("read", "policy.read"))
def try_out(request: HttpRequest, given: TrialIn) -> Trial:
    """422 with the line of what cannot be read."""
    return simulate(in_force().rules, read(given.file))


@router.post("/policy/versions", response={201: VersionItem}, auth=Token("propose", "policy.propose"))
def put_forward(request: HttpRequest, given: PolicyIn) -> tuple[int, PolicyVersion]:
    """Waits for a second person. 409 when another version waits, or came into force since `based_on`."""
    return 201, propose(read(given.file), based_on=given.based_on, note=given.note, **by(request))
