"""Settings › Freezes: when nothing starts, and why."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from app.core import clock
from app.core.door import by, needs
from app.core.errors import Invalid
from approvals import freezes
from approvals.models import Freeze
from approvals.switch_page import ScopeForm

SHOWN = 50  # freezes on the page


class FreezeForm(ScopeForm):
    reason = forms.CharField(label="Why", max_length=freezes.REASON)
    since = forms.DateTimeField(label="Once: from, UTC", required=False, help_text="Like 2026-12-24 18:00")
    until = forms.DateTimeField(label="Once: until, UTC", required=False)
    weekdays = forms.TypedMultipleChoiceField(
        label="Or each week on",
        required=False,
        coerce=int,
        choices=list(enumerate(freezes.DAYS)),
        widget=forms.CheckboxSelectMultiple,
    )
    opens = forms.TimeField(label="Each week: from", required=False, help_text="Like 18:00")
    closes = forms.TimeField(label="Each week: until", required=False)
    zone = forms.CharField(label="Time zone of these times", initial="UTC", max_length=60, required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["what"].label = "What does not start"


@require_safe
@needs("policy.read")
def page(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    rows = freezes.standing().select_related("declared_by")[:SHOWN]
    shown = [{"row": row, "when": freezes.words(row), "is_now": freezes.covers(row, now)} for row in rows]
    return render(request, "settings/freezes.html", {"rows": shown, "form": FreezeForm(), "tab": "freezes"})


@require_POST
@needs("freeze.manage")
def declare(request: HttpRequest) -> HttpResponse:
    form = FreezeForm(request.POST)
    if not form.is_valid():
        raise Invalid(" ".join(f"{field}: {errors[0]}" for field, errors in form.errors.items()))
    given = {name: form.cleaned_data[name] for name in ("reason", "since", "until", "weekdays", "opens", "closes")}
    row = freezes.declare(form.scope, **given, zone=form.cleaned_data["zone"].strip() or "UTC", **by(request))
    messages.success(request, f"Nothing starts for {row.scope} {freezes.words(row)}.")
    return redirect("freezes")


@require_POST
@needs("freeze.manage")
def end(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Freeze, pk=pk, ended_at=None)
    freezes.end(row, **by(request))
    messages.success(request, f"The freeze of {row.scope} was taken away.")
    return redirect("freezes")
