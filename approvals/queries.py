"""All reads of proposals for people."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from app.core.models import User
from approvals.models import Decision, Execution, Proposal, Request

PAGE = 25  # rows of a queue

# What a person can still do something about, beside what awaits signatures.
BLOCKED = ["expired", "superseded", "verification_failed"]
DECIDED = [
    "approved",
    "executing",
    "validating",
    "done",
    "undone",
    "rejected",
    "changes_requested",
    "failed",
    "blocked",
]


def rows() -> QuerySet[Proposal]:
    """Proposals with everything that a row or a page of them shows."""
    runs = Execution.objects.order_by("pk").prefetch_related("steps")
    found = Proposal.objects.select_related("incident__root_asset", "incident__owner", "report")
    asked = Request.objects.order_by("place").prefetch_related("answers")
    return found.prefetch_related(
        "decisions__by", Prefetch("executions", queryset=runs), Prefetch("requests", queryset=asked)
    )


def for_me(user: User) -> QuerySet[Proposal]:
    """What this person may still sign: verified, not edited or signed by them, not for groups that they are not in."""
    mine = Decision.objects.filter(proposal=OuterRef("pk"), by=user, decision="approve", withdrawn_at=None)
    waiting = Proposal.objects.filter(status="awaiting_decision").exclude(editors__contains=[user.pk])
    for_any = Q(policy__groups__isnull=True) | Q(policy__groups=[])
    return waiting.filter(~Exists(mine), for_any | Q(policy__groups__has_any_keys=user.member_of))


def waiting_for(user: User, *, most: int) -> int:
    """How many wait for this person; counts no further than one above `most`."""
    return for_me(user)[: most + 1].count()


def queue(tab: str, user: User, before: int | None) -> list[Proposal]:
    """One page of a tab and one row more, when there is more."""
    if tab == "decided":
        found = rows().filter(status__in=DECIDED).order_by("-pk")
        return list((found.filter(pk__lt=before) if before else found)[: PAGE + 1])
    if tab == "all":
        found = rows().filter(status="awaiting_decision")
    else:
        found = rows().filter(pk__in=for_me(user).values("pk"))
    found = found.order_by("expires_at", "pk")
    return list((found.filter(pk__gt=before) if before else found)[: PAGE + 1])


def blocked() -> list[Proposal]:
    """The newest proposal of an open incident, where it can no longer be signed as it is."""
    later = Proposal.objects.filter(incident=OuterRef("incident"), number__gt=OuterRef("number"))
    found = rows().filter(status__in=BLOCKED).exclude(incident__status="resolved").filter(~Exists(later))
    return list(found.order_by("-pk")[:PAGE])


def newest(number: int, wanted: int | None = None) -> Proposal | None:
    """The newest proposal of an incident, or its proposal `wanted`."""
    found = rows().filter(incident__number=number)
    return (found.filter(number=wanted) if wanted else found.order_by("-number")).first()


def siblings(proposal: Proposal) -> list[Proposal]:
    """The other proposals of its incident, newest first."""
    others = Proposal.objects.filter(incident=proposal.incident).exclude(pk=proposal.pk)
    return list(others.only("number", "status", "action", "incident").order_by("-number")[:20])
