"""Forms of Settings › Notifications."""

from __future__ import annotations

from typing import Any

from django import forms

from app.core.forms import SecretInput, StyledForm


class SlackForm(StyledForm):
    """What can be changed of a Slack connection; a secret that is left empty stays."""

    channel = forms.RegexField(r"^[CG][A-Z0-9]{2,20}$", label="Channel", help_text="Its id, from the end of its link.")
    mode = forms.ChoiceField(
        label="Way in", choices=[("http", "http: Slack calls us"), ("socket", "socket: we call Slack")]
    )
    token = forms.CharField(label="Bot token", required=False, widget=SecretInput())
    signing_secret = forms.CharField(
        label="Signing secret",
        required=False,
        widget=SecretInput(),
        help_text="The one of before still holds for a day.",
    )
    app_token = forms.CharField(label="App-level token", required=False, widget=SecretInput())

    def config(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("channel", "mode")}

    def secrets(self) -> dict[str, str]:
        names = ("token", "signing_secret", "app_token")
        return {name: self.cleaned_data[name] for name in names if self.cleaned_data[name]}
