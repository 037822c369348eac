"""Forms of sign-in, people and tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from app.core.forms import StyledForm
from app.core.models import User
from app.core.roles import ROLES, SCOPES


class SetupForm(StyledForm):
    """The first administrator."""

    name = forms.CharField(label="Your name", max_length=120)
    username = forms.SlugField(label="User name", max_length=60)
    email = forms.EmailField(label="E-mail")
    password = forms.CharField(label="Password", widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if password := data.get("password"):
            validate_password(password, User(username=data.get("username", ""), email=data.get("email", "")))
        return data


class PersonForm(StyledForm):
    """Somebody to invite."""

    name = forms.CharField(label="Name", max_length=120)
    username = forms.SlugField(label="User name", max_length=60)
    email = forms.EmailField(label="E-mail")
    roles = forms.MultipleChoiceField(
        label="Roles", choices=[(role, role) for role in ROLES], widget=forms.CheckboxSelectMultiple
    )
    on_call = forms.BooleanField(label="On call", required=False)


class TokenForm(StyledForm):
    name = forms.CharField(label="What it is for", max_length=80)
    audience = forms.ChoiceField(
        label="Who uses it",
        choices=[("api", "A program, at the API"), ("gateway", "An agent, over MCP: it reads and proposes")],
        required=False,
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes", choices=[(scope, scope) for scope in SCOPES], widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(label="Days until it expires", min_value=1, max_value=365, initial=90)
