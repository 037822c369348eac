"""The approvals queue, and the proposal as a part of the incident's page."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from app.core.canonical import sha256
from app.core.door import by, needs, person
from app.core.errors import CountersignError, Invalid
from app.core.http import htmx, to_step_up
from app.core.limits import pace
from app.core.models import User
from app.core.stepup import StepUpNeeded
from approvals import freezes, kill_switch, queries, report_page
from approvals.decide import REASONS, decide
from approvals.forms import DecisionForm, QueueForm
from approvals.models import Execution, Proposal
from approvals.plan import Plan
from approvals.propose import restage
from approvals.seen import clauses, exact
from approvals.signing import bar, carried_out, undoable
from approvals.undo import ask_undo

page_or_fragment = vary_on_headers("HX-Request")
PREPARING = {"drafted", "staging", "verifying"}


@require_safe
@needs("incident.read")
@page_or_fragment
def queue(request: HttpRequest) -> HttpResponse:
    form = QueueForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    tab, user = chosen.get("tab") or "me", person(request)
    many = queries.queue(tab, user, chosen.get("before"))
    stuck = queries.blocked() if tab != "decided" and not chosen.get("before") else []
    is_more = len(many) > queries.PAGE
    shown = {
        "tab": tab,
        "rows": [_row(one, user) for one in many[: queries.PAGE]],
        "blocked": [_row(one, user) for one in stuck],
        "count": f"{queries.PAGE}+" if is_more else len(many),
        "older": f"?{urlencode({'tab': tab, 'before': many[queries.PAGE - 1].pk})}" if is_more else "",
        "newer": f"?tab={tab}" if chosen.get("before") else "",
    }
    return render(request, "approvals/queue.html", shown)


@require_safe
@needs("incident.read")
@page_or_fragment
def proposal(request: HttpRequest, number: int) -> HttpResponse:
    wanted = request.GET.get("proposal", "")
    found = queries.newest(number, int(wanted) if wanted.isdecimal() else None)
    version = _version(found)
    if htmx(request) and request.GET.get("have") == version:
        return HttpResponse(status=204)
    shown = {"number": number, "version": version, "wanted": wanted if wanted.isdecimal() else ""}
    if found:
        shown |= _whole(found, person(request))
    template = "approvals/_proposal.html" if htmx(request) else "approvals/proposal.html"
    return render(request, template, shown)


@require_safe
@needs("incident.read")
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    shown = _bar(_found(pk), person(request))
    if request.GET.get("have") == shown["have"]:
        return HttpResponse(status=204)
    return render(request, "approvals/_sign_alone.html", shown)


@require_safe
@needs("incident.read")
def row(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "approvals/_row.html", {"row": _row(_found(pk), person(request))})


# --- what people do ----------------------------------------------------------------------------------------------


@require_POST
@needs("proposal.decide")
def make_decision(request: HttpRequest, pk: int) -> HttpResponse:
    """The next state of the bar; what was refused is said in place, with the bar as it is now."""
    pace("decide", request.user.pk, str(request.META.get("REMOTE_ADDR", "")))
    found, form, error = _found(pk), DecisionForm.of(request.POST), None
    try:
        if not form.is_valid():
            raise Invalid("The form was incomplete. Reload the page and decide again.")
        sent = form.cleaned_data
        decide(
            found,
            sent["decision"],
            fingerprint=sent["fingerprint"],
            reason=sent["reason"],
            comment=form.words,
            another_way=sent["another_way"],
            **by(request),
        )
    except CountersignError as refused:
        error = refused
    return _answer(request, pk, error)


@require_POST
@needs("incident.work")
def stage_again(request: HttpRequest, pk: int) -> HttpResponse:
    who = by(request)
    try:
        made = restage(_found(pk), actor=who["actor"], source=who["source"])
    except CountersignError as refused:
        return _answer(request, pk, refused)
    return _answer(request, made.pk, None, whole=True)


@require_POST
@needs("execution.undo")
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    execution = Execution.objects.filter(pk=pk).first()
    if execution is None:
        raise Http404("There is no such execution.")
    error = None
    try:
        ask_undo(execution, **by(request))
    except CountersignError as refused:
        error = refused
    return _answer(request, execution.proposal_id, error)


# --- parts -------------------------------------------------------------------------------------------------------


def _answer(request: HttpRequest, pk: int, error: CountersignError | None, *, whole: bool = False) -> HttpResponse:
    """What stands where the button was: the row in the queue, else the bar or the whole proposal."""
    if isinstance(error, StepUpNeeded):
        return to_step_up(request)  # and back, to read it once more and press again
    found, user = _found(pk), person(request)
    if not htmx(request):
        if error:
            raise error
        return redirect("incident", number=found.incident.number)
    status = error.status if error else 200
    if (htmx(request).target or "").startswith("ask-"):
        answer = render(request, "approvals/_row.html", {"row": _row(found, user), "error": error}, status=status)
        answer.headers["HX-Retarget"] = f"#{htmx(request).target}"
    elif whole:
        shown = _whole(found, user) | {"number": found.incident.number, "version": _version(found)}
        answer = render(request, "approvals/_proposal.html", shown, status=status)
        answer.headers["HX-Retarget"] = "#proposal"
    else:
        answer = render(request, "approvals/_sign_alone.html", _bar(found, user) | {"error": error}, status=status)
        answer.headers["HX-Retarget"] = "#sign"
    answer.headers["HX-Reswap"] = "outerHTML"
    answer.headers["HX-Trigger"] = "incident-changed"
    return answer


def _whole(found: Proposal, user: User) -> dict[str, Any]:
    steps = found.plan.get("steps", [])
    return _bar(found, user) | {
        "incident": found.incident,
        "plan": found.plan,
        "plan_hash": sha256(found.plan),
        "exact": exact(found.plan),
        "clauses": clauses(found.plan),
        "files": report_page.files(found),
        "tables": report_page.tables(found),
        "others": report_page.others(found),
        "undoing": report_page.undo_of(found),
        "staged": sum(step.get("where") == "staging" for step in steps),
        "live": sum(step.get("where") == "production" for step in steps),
        "asks": [step["params"] for step in steps if step.get("kind") == "ask"],
        "requests": found.requests.all(),
        "siblings": queries.siblings(found),
        "is_preparing": found.status in PREPARING,
    }


def _bar(found: Proposal, user: User) -> dict[str, Any]:
    runs = {run.direction: run for run in found.executions.all()}
    plan = Plan.from_json(found.plan) if found.status in {"awaiting_decision", "approved"} else None
    freeze = freezes.in_force(plan) if plan else None
    return {
        "proposal": found,
        "bar": bar(found, user),
        "have": _bar_version(found),
        "ticks": report_page.ticks(found),
        "checks": report_page.summary(found),
        "reasons": REASONS,
        "carried_out": carried_out(found),
        "forward": runs.get("forward"),
        "backward": runs.get("undo"),
        "undo_until": undoable(found, runs.get("forward")),
        "stopped": kill_switch.stopped(plan) if plan and found.status == "awaiting_decision" else None,
        "freeze": freeze and {"scope": freeze.scope, "when": freezes.words(freeze), "reason": freeze.reason},
    }


def _row(found: Proposal, user: User) -> dict[str, Any]:
    branch = next((one.get("name", "") for one in found.branches), "")
    asked = next((s["params"] for s in found.plan.get("steps", []) if s.get("kind") == "ask"), None)
    return {
        "proposal": found,
        "bar": bar(found, user),
        "checks": report_page.summary(found),
        "branch": branch,
        "asked": asked,
        "reasons": REASONS,
    }


def _version(found: Proposal | None) -> str:
    """Of the proposal's body: once it awaits a decision nothing in it changes but what was answered."""
    if found is None:
        return "none"
    asked = [f"{one.outcome}{len(one.answers.all())}{'-still' * bool(one.still)}" for one in found.requests.all()]
    return "-".join([str(found.pk), found.status if found.status in PREPARING else "ready", *asked])


def _bar_version(found: Proposal) -> str:
    decisions = [(row.pk, row.withdrawn_at is None) for row in found.decisions.all()]
    runs = [(run.pk, run.outcome, [step.status for step in run.steps.all()]) for run in found.executions.all()]
    return f"{found.status}-{len(decisions)}-{sum(is_on for _, is_on in decisions)}-" + ".".join(
        f"{pk}{outcome}{''.join(status[:1] for status in steps)}" for pk, outcome, steps in runs
    )


def _found(pk: int) -> Proposal:
    found = queries.rows().filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such proposal.")
    return found
