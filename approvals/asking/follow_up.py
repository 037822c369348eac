"""What time does to requests: a look at the data, a reminder, the next person, and the end."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, Q
from django.db.models.functions import Now

from app.core import audit
from app.core.tasks import ring_after_commit
from approvals.apart import apart
from approvals.asking.answer import PROVE
from approvals.asking.pass_on import pass_on
from approvals.models import Request
from approvals.requests import close, remind, write

SOURCE = audit.Source("schedule")
LOOK_EVERY = timedelta(minutes=2)  # at production, whether it is done although nobody said so


def follow_up() -> None:
    """Apply every deadline of a request that has passed, by the database's clock. Safe to run twice at once."""
    asked = Request.objects.select_related("proposal__incident").order_by("pk").filter(closed_at=None)
    apart(asked.filter(proposal__incident__status="resolved"), _over)
    apart(asked.filter(due_at__lte=Now()), _late)
    apart(asked.filter(sent_at__lt=Now() - (F("due_at") - F("sent_at")) / 2), remind)
    waiting = asked.filter(proposal__incident__status="waiting_on_person")
    before = Now() - LOOK_EVERY
    apart(waiting.filter(Q(looked_at=None, sent_at__lt=before) | Q(looked_at__lt=before)), _look)


def _over(request: Request) -> None:
    close(request, "over", reason="The incident was resolved meanwhile.", actor=audit.SYSTEM, source=SOURCE)


def _late(request: Request) -> None:
    said = "The time to answer is over, so somebody else was asked. If you can do it all the same, please tell them."
    reason = f"{request.to_name} was asked and did not answer in time."
    pass_on(request, "late", reason=reason, actor=audit.SYSTEM, source=SOURCE)
    write(request, "due", f"Too late: {request.proposal.incident} went to others", said)


def _look(request: Request) -> None:
    ring_after_commit(PROVE, request.pk)
