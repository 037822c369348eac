"""Settings › Kill switch: stop executions, and let them go on."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from app.core.door import by, needs
from app.core.errors import Invalid
from app.core.forms import StyledForm
from approvals import kill_switch
from approvals.catalogue import CATALOGUE
from approvals.models import KillSwitch
from integrations.models import Connection

SHOWN = 20  # switches that were lifted


class ScopeForm(StyledForm):
    what = forms.ChoiceField(label="What to stop")
    asset = forms.CharField(label="Asset, as namespace/name", max_length=390, required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        names = Connection.objects.order_by("name").values_list("name", flat=True)
        choices: list[tuple[str, object]] = [("all", "Everything"), ("asset", "One asset, named below")]
        choices.append(("Connection", [(f"connection:{name}", name) for name in names]))
        choices.append(("Action", [(f"action:{name}", name) for name in CATALOGUE]))
        self.fields["what"].choices = choices  # type: ignore[attr-defined]

    @property
    def scope(self) -> str:
        what = str(self.cleaned_data["what"])
        return f"asset:{self.cleaned_data['asset'].strip()}" if what == "asset" else what


class PressForm(ScopeForm):
    reason = forms.CharField(label="Why", max_length=300)


@require_safe
@needs("kill_switch.press")
def page(request: HttpRequest) -> HttpResponse:
    switches = KillSwitch.objects.select_related("pressed_by", "lifted_by")
    shown = {
        "on": switches.filter(lifted_at=None).order_by("pk"),
        "lifted": switches.exclude(lifted_at=None).order_by("-lifted_at")[:SHOWN],
        "form": PressForm(),
        "tab": "kill-switch",
    }
    return render(request, "settings/kill_switch.html", shown)


@require_POST
@needs("kill_switch.press")
def press(request: HttpRequest) -> HttpResponse:
    form = PressForm(request.POST)
    if not form.is_valid():
        raise Invalid(" ".join(f"{field}: {errors[0]}" for field, errors in form.errors.items()))
    switch = kill_switch.press(form.scope, reason=form.cleaned_data["reason"], **by(request))
    messages.warning(request, f"Executions are stopped for {switch.scope}.")
    return redirect("kill-switch")


@require_POST
@needs("kill_switch.lift")
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    switch = get_object_or_404(KillSwitch, pk=pk, lifted_at=None)
    kill_switch.lift(switch, **by(request))
    messages.success(request, f"Executions go on for {switch.scope}.")
    return redirect("kill-switch")
