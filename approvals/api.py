"""`/api/v1/proposals`, `/executions` and `/kill-switch`."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router
from ninja.params.functions import Query

from app.core.door import Token, by
from app.core.limits import pace
from app.core.roles import require
from approvals import kill_switch
from approvals.decide import decide
from approvals.models import Execution, KillSwitch, Proposal
from approvals.propose import restage
from approvals.schemas import DecisionIn, DecisionItem, ExecutionItem, ProposalItem, SwitchIn, SwitchItem
from approvals.undo import ask_undo

router = Router(tags=["approvals"])
MOST = 200  # items a page


@router.get("/proposals", response=list[ProposalItem], auth=Token("read", "incident.read"))
def proposals(
    request: HttpRequest, status: str = "awaiting_decision", limit: int = Query(50, ge=1, le=MOST)
) -> list[Proposal]:
    return list(_rows().filter(status__in=status.split(",")).order_by("-id")[:limit])


@router.get("/proposals/{int:pk}", response=ProposalItem, auth=Token("read", "incident.read"))
def proposal(request: HttpRequest, pk: int) -> Proposal:
    return get_object_or_404(_rows(), pk=pk)


@router.post("/proposals/{int:pk}/decisions", response={201: DecisionItem}, auth=Token("decide", "proposal.decide"))
def make_decision(request: HttpRequest, pk: int, given: DecisionIn) -> tuple[int, object]:
    """403 not allowed, 409 fingerprint or base moved, 410 expired, 422 no reason on a rejection."""
    pace("decide", request.user.pk, str(request.META.get("REMOTE_ADDR", "")))
    found = get_object_or_404(Proposal, pk=pk)
    return 201, decide(
        found,
        given.decision,
        fingerprint=given.fingerprint,
        reason=given.reason,
        comment=given.comment,
        **by(request),
    )


@router.post("/proposals/{int:pk}/restage", response={201: ProposalItem}, auth=Token("propose", "incident.work"))
def stage_again(request: HttpRequest, pk: int) -> tuple[int, Proposal]:
    who = by(request)
    require(who["by"], "incident.work")
    made = restage(get_object_or_404(Proposal, pk=pk), actor=who["actor"], source=who["source"])
    return 201, proposal(request, made.pk)


@router.get("/executions/{int:pk}", response=ExecutionItem, auth=Token("read", "incident.read"))
def execution(request: HttpRequest, pk: int) -> Execution:
    return get_object_or_404(Execution.objects.prefetch_related("steps"), pk=pk)


@router.post("/executions/{int:pk}/undo", response={202: ExecutionItem}, auth=Token("decide", "execution.undo"))
def undo(request: HttpRequest, pk: int) -> tuple[int, Execution]:
    return 202, ask_undo(get_object_or_404(Execution, pk=pk), **by(request))


@router.get("/kill-switch", response=list[SwitchItem], auth=Token("read", "incident.read"))
def switches(request: HttpRequest) -> list[KillSwitch]:
    return list(KillSwitch.objects.filter(lifted_at=None))


@router.post("/kill-switch", response={201: SwitchItem}, auth=Token("propose", "kill_switch.press"))
def press(request: HttpRequest, given: SwitchIn) -> tuple[int, KillSwitch]:
    return 201, kill_switch.press(given.scope, reason=given.reason, **by(request))


@router.post("/kill-switch/{int:pk}/lift", response={204: None}, auth=Token("decide", "kill_switch.lift"))
def lift(request: HttpRequest, pk: int) -> tuple[int, None]:
    kill_switch.lift(get_object_or_404(KillSwitch, pk=pk, lifted_at=None), **by(request))
    return 204, None


def _rows() -> QuerySet[Proposal]:
    runs = Execution.objects.order_by("id").prefetch_related("steps")
    return Proposal.objects.select_related("incident", "report").prefetch_related(
        "decisions__by", "requests__answers", Prefetch("executions", queryset=runs)
    )
