"""Look at production data: only that says that what was asked is done."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from app.core.audit import WORKER, Source
from app.core.errors import LostRace
from app.core.tasks import ring_after_commit
from approvals.models import Execution, Request
from approvals.requests import close, record, write
from approvals.together import along
from incidents.recheck import recheck
from incidents.resolve import resolve

BY = Source("worker")


def prove(request: Request) -> bool:
    """Close `request` when the check that opened its incident passes on production; else keep and tell what is wrong.

    Then what was signed to follow it goes on, or the incident resolves. False where it stays open, or no check of ours
    opened the incident: then it closes with the job's next good run. Called twice it is one look more.
    """
    if request.closed_at or request.proposal.incident.status != "waiting_on_person":
        return False
    seen = recheck(request.proposal.incident)  # before the transaction, because it reads from outside
    wrong = [each.note for each in seen if each.ok is not True]
    Request.objects.filter(pk=request.pk).update(looked_at=Now(), still=" ".join(wrong))
    if wrong or not seen:
        _say(request, wrong)
        return False
    try:
        _go_on(request, "Production has it: " + " ".join(each.note for each in seen))
    except LostRace:
        return False
    return True


def _go_on(request: Request, words: str) -> None:
    with transaction.atomic():
        proposal = request.proposal
        proposal.incident.refresh_from_db()
        close(request, "proved", reason=words, actor=WORKER, source=BY)
        if not Execution.objects.filter(proposal=proposal, direction="forward", finished_at=None).exists():
            resolve(proposal.incident, "upstream_fixed", comment=words, actor=WORKER, source=BY)
        elif along(proposal, "fixing", actor=WORKER, source=BY, reason=words):
            ring_after_commit("approvals.tasks.execute", proposal.pk)


def _say(request: Request, wrong: list[str]) -> None:
    """Once for each time that they said it is done: what is still wrong, with the numbers."""
    said = request.answers.filter(kind="done").order_by("-pk").first()
    if said is None or not wrong:
        return
    told = "\n".join(["Thank you. We looked at the data, and it is not there yet:", "", *wrong, ""])
    with transaction.atomic():
        subject = f"Not yet: {request.proposal.incident} still needs you"
        if write(request, f"still-{said.pk}", subject, f"{told}\nThe request stays open until it is."):
            record("request.unproved", request, WORKER, BY, reason=" ".join(wrong))
