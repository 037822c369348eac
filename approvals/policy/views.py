"""Settings › Policy: the rules in force, the editor with its trial, and the second signature."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from app.core.door import by, needs
from app.core.errors import Invalid
from app.core.http import htmx
from approvals.policy import forms, queries
from approvals.policy.file import read, write
from approvals.policy.propose import propose
from approvals.policy.rules import Rule, digest
from approvals.policy.sign import refuse, sign
from approvals.policy.simulate import DAYS, simulate
from approvals.policy.versions import Policy, current


@require_safe
@needs("policy.read")
def policy(request: HttpRequest) -> HttpResponse:
    held, is_altered = queries.holding()
    versions = list(queries.versions()[: queries.HISTORY])
    shown = {
        "held": held,
        "row": next((row for row in versions if row.number == held.number), None),
        "rules": queries.in_words(held.rules),
        "is_altered": is_altered,
        "versions": versions,
        "tab": "policy",
    }
    return render(request, "policy/index.html", shown | _waiting(held))


@require_safe
@needs("policy.read")
def version(request: HttpRequest, number: int) -> HttpResponse:
    """One version, what it changed, and, while it waits, what it would have changed in the past."""
    found = _policy(number)
    row = queries.versions().filter(number=number).first()
    before = queries.policy_of(row.based_on) if row else None
    shown: dict[str, Any] = {"row": row, "held": found, "rules": queries.in_words(found.rules), "tab": "policy"}
    shown |= {"parts": queries.difference(before, found) if row else []}
    if row and row.status == "proposed":
        shown |= {"trial": simulate(queries.holding()[0].rules, found.rules), "days": DAYS}
    return render(request, "policy/version.html", shown)


@require_safe
@needs("policy.read")
def file(request: HttpRequest) -> HttpResponse:
    """The rules as a file: those in force, or those of `?version=`."""
    wanted = request.GET.get("version", "")
    found = _policy(int(wanted)) if wanted.isdecimal() and len(wanted) < 9 else queries.holding()[0]
    answer = HttpResponse(write(found.rules), content_type="application/yaml; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="policy-{found.number}.yaml"'
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@needs("policy.read")
@vary_on_headers("HX-Request")
def edit(request: HttpRequest) -> HttpResponse:
    """A draft that lives in the page alone; a POST moves its rules, reads a file, or tries it. Nothing is kept."""
    if request.method != "POST":
        wanted = request.GET.get("version", "")
        found = _policy(int(wanted)) if wanted.isdecimal() and len(wanted) < 9 else queries.holding()[0]
        return _draft(request, [forms.typed(rule) for rule in found.rules], current()[0])
    based_on, act = request.POST.get("based_on", ""), request.POST.get("act", "try")
    number = int(based_on) if based_on.isdecimal() and len(based_on) < 9 else 0
    if act == "read":
        try:
            rules = read(request.POST.get("file", ""))
        except Invalid as error:
            return _draft(request, forms.sent(request.POST), number, wrong=str(error))
        return _draft(request, [forms.typed(rule) for rule in rules], number)
    typed = forms.moved(forms.sent(request.POST), act)
    return _draft(request, typed, number, is_trial=act == "try")


@require_POST
@needs("policy.propose")
def put_forward(request: HttpRequest) -> HttpResponse:
    """What was tried becomes a version that waits for its signature."""
    rules = read(request.POST.get("file", ""))
    if request.POST.get("tried") != digest(rules):
        raise Invalid("Try exactly these rules on the past before you propose them.")
    based_on = request.POST.get("based_on", "")
    number = int(based_on) if based_on.isdecimal() and len(based_on) < 9 else 0
    made = propose(rules, based_on=number, note=request.POST.get("note", ""), **by(request))
    messages.success(request, f"Version {made.number} waits for the signature of another person.")
    return redirect("policy-version", number=made.number)


@require_POST
@needs("policy.sign")
def put_in_force(request: HttpRequest, number: int) -> HttpResponse:
    row = get_object_or_404(queries.versions(), number=number)
    sign(row, sha256=request.POST.get("sha256", ""), **by(request))
    messages.success(request, f"Version {number} is in force. What was open is staged again under it.")
    return redirect("policy")


@require_POST
@needs("policy.sign")
def turn_down(request: HttpRequest, number: int) -> HttpResponse:
    row = get_object_or_404(queries.versions(), number=number)
    refuse(row, reason=request.POST.get("reason", ""), **by(request))
    messages.success(request, f"Version {number} never comes into force.")
    return redirect("policy")


# --- parts -------------------------------------------------------------------------------------------------------


def _waiting(held: Policy) -> dict[str, Any]:
    row = queries.waiting()
    found = queries.policy_of(row.number) if row else None
    return {"waiting": row, "parts": queries.difference(held, found) if found else []}


def _draft(
    request: HttpRequest, typed: list[forms.Typed], based_on: int, *, is_trial: bool = False, wrong: str = ""
) -> HttpResponse:
    made = forms.bound(typed)
    rules = forms.judged(made)
    shown: dict[str, Any] = {"forms": made, "based_on": based_on, "wrong": wrong, "tab": "policy"}
    shown["file"] = request.POST.get("file", "") if wrong else write(rules) if rules else ""
    if is_trial and rules:
        shown |= _trial(rules)
    template = "policy/_draft.html" if htmx(request) else "policy/edit.html"
    is_refused = bool(wrong) or (is_trial and not rules)
    return render(request, template, shown, status=422 if is_refused else 200)


def _trial(rules: tuple[Rule, ...]) -> dict[str, Any]:
    held = queries.holding()[0]
    words = queries.in_words(rules)
    return {"trial": simulate(held.rules, rules), "days": DAYS, "tried": digest(rules), "words": words}


def _policy(number: int) -> Policy:
    found = queries.policy_of(number)
    if found is None:
        raise Http404("There is no such version.")
    return found
