"""Forms in the classes of the one stylesheet."""

from __future__ import annotations

from typing import Any

from django import forms


class StyledForm(forms.Form):
    """Gives each widget the class that `console.css` draws."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            style(field)


class SecretInput(forms.PasswordInput):
    """For another system's secret: drawn as dots, never shown again, and no password that a browser would save."""

    input_type = "text"

    def __init__(self) -> None:
        super().__init__(attrs={"class": "input input--secret", "autocomplete": "off", "spellcheck": "false"})


def style(field: forms.Field) -> forms.Field:
    if isinstance(field.widget, forms.Textarea):
        field.widget.attrs.setdefault("class", "textarea")
    elif isinstance(field.widget, forms.Select) and not isinstance(field.widget, forms.CheckboxSelectMultiple):
        field.widget.attrs.setdefault("class", "select")
    elif isinstance(field.widget, forms.TextInput | forms.NumberInput | forms.EmailInput | forms.PasswordInput):
        field.widget.attrs.setdefault("class", "input")
    return field
