"""What people may send about an entry."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from django import forms
from django.db.models import Q

from app.core.errors import Invalid
from app.core.forms import StyledForm, style
from app.core.models import User
from app.core.roles import PERMISSIONS, ROLES
from integrations.values import Json
from knowledge import hint_form
from knowledge.hints import Hint, parse
from knowledge.models import KINDS, STATES, Entry
from knowledge.rule import parse as parse_rule
from knowledge.write import BODY_LIMIT, TITLE_LIMIT, Content

CHOICES = {
    "kind": KINDS,
    "review": ["due", "overdue"],
    "trust": ["human", "draft", "dbt"],
    "state": [*STATES, "all"],
}


class FilterForm(forms.Form):
    """The list's filters; a value that is not offered counts as none."""

    q = forms.CharField(required=False, max_length=200)
    kind = forms.CharField(required=False)
    owner = forms.CharField(required=False)
    review = forms.CharField(required=False)
    trust = forms.CharField(required=False)
    state = forms.CharField(required=False)

    def chosen(self) -> dict[str, str]:
        self.is_valid()
        kept = {name: value for name, value in self.cleaned_data.items() if value}
        return {name: value for name, value in kept.items() if name not in CHOICES or value in CHOICES[name]}


class EntryForm(StyledForm):
    """The editor. `extra` are hints for which it has no fields; `version` is what was shown when typing began."""

    title = forms.CharField(max_length=TITLE_LIMIT, error_messages={"required": "Give it a title."})
    kind = forms.ChoiceField(choices=[(kind, kind.capitalize()) for kind in KINDS])
    review_by = forms.DateField(
        required=False, label="Review due", widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    rule = forms.CharField(required=False, label="Match rule", widget=forms.Textarea({"rows": 3}))
    body = forms.CharField(required=False, max_length=BODY_LIMIT, strip=False, widget=forms.Textarea)
    owner = forms.ModelChoiceField(User.objects.none(), required=False, empty_label="Nobody yet")
    readers = forms.MultipleChoiceField(
        required=False, choices=[(role, role.capitalize()) for role in ROLES], widget=forms.CheckboxSelectMultiple
    )
    extra = forms.Field(required=False, widget=forms.SelectMultiple)
    version = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, initial: Json | None = None, entry: Entry | None = None) -> None:
        super().__init__(data, initial=initial)
        days = hint_form.initial(parse(entry.hints) if entry else ())["retry_window-days"]
        for name, field in hint_form.hint_fields(days).items():
            self.fields[name] = style(field)
        owners: Any = self.fields["owner"]
        writers = Q(is_active=True, roles__overlap=sorted(PERMISSIONS["knowledge.write"]))
        kept = Q(pk=entry.owner_id) if entry and entry.owner_id else Q(pk__in=[])
        owners.queryset = User.objects.filter(writers | kept).order_by("username")
        owners.label_from_instance = lambda user: user.label

    def clean_body(self) -> str:
        return _lines(self.cleaned_data["body"])

    def clean_rule(self) -> str:
        rule = _lines(self.cleaned_data["rule"])
        try:
            parse_rule(rule)
        except Invalid as error:
            raise forms.ValidationError(str(error)) from error
        return rule

    def clean_extra(self) -> tuple[Hint, ...]:
        try:
            return parse([json.loads(one) for one in self.cleaned_data["extra"] or []])
        except (ValueError, Invalid) as error:
            raise forms.ValidationError("A further hint could not be read. Reload the page.") from error

    def clean(self) -> None:
        hints, wrong = hint_form.gathered(self.cleaned_data)
        for name, words in wrong.items():
            self.add_error(name, words)
        self.cleaned_data["hints"] = (*hints, *self.cleaned_data.get("extra", ()))

    def further(self) -> list[tuple[str, str]]:
        """Hints for which there are no fields, as (value, sentence)."""
        found = []
        for text in self["extra"].value() or []:
            with suppress(ValueError, Invalid):
                found += [(text, hint.sentence) for hint in parse([json.loads(text)])]
        return found

    def content(self) -> Content:
        """What was sent; only of a valid form."""
        given = self.cleaned_data
        plain = {name: given[name] for name in ("kind", "title", "rule", "body", "hints", "review_by", "owner")}
        return Content(**plain, readers=tuple(given["readers"]))


def shown(content: Content) -> Json:
    """The content as first values of the form."""
    plain = {name: getattr(content, name) for name in ("kind", "title", "rule", "body", "review_by")}
    return {
        **plain,
        "readers": list(content.readers),
        "owner": content.owner and content.owner.pk,
        "extra": [json.dumps(hint_form.as_choice(hint)) for hint in hint_form.beyond(content.hints)],
        **hint_form.initial(content.hints),
    }


def typed(form: EntryForm) -> Json:
    """What somebody has typed, as it is, right or wrong: enough to fill the form again."""
    many = {"readers", "extra"}
    return {
        name: form.data.getlist(name)[:50] if name in many else _lines(form.data.get(name, ""))  # type: ignore[attr-defined]
        for name in form.fields
        if name != "version"
    }


def _lines(text: str) -> str:
    """Line ends as they are kept: a browser sends two characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
