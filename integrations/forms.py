"""The settings form of a kind of connection, made from its entry in the registry."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from app.core.forms import SecretInput, StyledForm, style
from integrations.models import Connection
from integrations.registry import Entry, Field


class ConnectionForm(StyledForm):
    """`config()` and `secrets()` give what was entered, typed; JSON fields must be JSON."""

    name = forms.SlugField(label="Name", max_length=60, help_text="Unique, for example dbt-prod. It cannot be changed.")

    def __init__(self, entry: Entry, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entry = entry
        for field in entry.fields:
            self.fields[field.name] = style(_form_field(field))

    def config(self) -> dict[str, Any]:
        given = {field.name: self.cleaned_data[field.name] for field in self.entry.config_fields}
        return {name: value for name, value in given.items() if value not in ("", None)}

    def secrets(self) -> dict[str, str]:
        """Of both rings."""
        names = (*self.entry.secret_names, *self.entry.inbound_names)
        return {name: self.cleaned_data[name] for name in names if self.cleaned_data[name]}


class JsonField(forms.CharField):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise forms.ValidationError(f"This is not JSON: {error}.") from error


def _form_field(field: Field) -> forms.Field:
    common: dict[str, Any] = {
        "label": field.label,
        "help_text": field.help,
        "required": field.required,
        "initial": field.default,
    }
    match field.kind:
        case "json":
            return JsonField(widget=forms.Textarea(attrs={"rows": 3}), **common)
        case "secret":
            kept = "Sealed at once, never shown again; env://NAME and aws-sm://name#key are kept as references."
            common["help_text"] = f"{field.help} {kept}"
            return forms.CharField(widget=SecretInput(), **common)
        case "inbound":
            common["help_text"] = f"{field.help} Sealed at once, never shown again."
            return forms.CharField(widget=SecretInput(), **common)
        case "choice":
            return forms.ChoiceField(choices=[(choice, choice) for choice in field.choices], **common)
        case "connection":
            names = [("", "None"), *((row.name, row.name) for row in Connection.objects.order_by("name"))]
            return forms.ChoiceField(choices=names, **common)
    return forms.CharField(**common)
