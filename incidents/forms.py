"""What people may send about an incident."""

from __future__ import annotations

from typing import Any

from django import forms

from incidents.models import CLASSES, RESOLUTIONS
from incidents.usual import REASON_LIMIT
from incidents.watched import CHECK_LIMIT
from incidents.work import COMMENT_LIMIT

STATUSES = ["open", "all", "resolved", "decide", "working", "watching"]


class FilterForm(forms.Form):
    """The inbox's filters; a value that is not offered counts as none."""

    status = forms.CharField(required=False)
    source = forms.SlugField(required=False)
    owner = forms.CharField(required=False)
    q = forms.CharField(required=False, max_length=200)
    before = forms.IntegerField(required=False, min_value=1)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["class"] = forms.ChoiceField(required=False, choices=[(name, name) for name in CLASSES])

    def chosen(self) -> dict[str, str]:
        self.is_valid()
        kept = {name: str(value) for name, value in self.cleaned_data.items() if value}
        if kept.get("status") not in STATUSES:
            kept.pop("status", None)
        if kept.get("owner") not in {"me", "none"}:
            kept.pop("owner", None)
        return kept


class CommentForm(forms.Form):
    text = forms.CharField(max_length=COMMENT_LIMIT, error_messages={"required": "Write the comment first."})


class AssignForm(forms.Form):
    owner = forms.CharField(required=False)  # `me`, a user's id, or empty for nobody


class ResolveForm(forms.Form):
    resolution = forms.ChoiceField(
        choices=[(name, name) for name in RESOLUTIONS], error_messages={"required": "Choose why it is resolved."}
    )
    comment = forms.CharField(required=False, max_length=COMMENT_LIMIT)


class AnnotationForm(forms.Form):
    text = forms.CharField(max_length=2_000, error_messages={"required": "Write one or two sentences first."})


class AssetFilterForm(forms.Form):
    """The filters of the list of assets; `after` and `at` are the name and the id that the page begins after."""

    q = forms.CharField(required=False, max_length=200)
    kind = forms.CharField(required=False, max_length=20)
    after = forms.CharField(required=False, max_length=300, strip=False)
    at = forms.IntegerField(required=False, min_value=1)

    def chosen(self) -> dict[str, str]:
        self.is_valid()
        return {name: str(value) for name, value in self.cleaned_data.items() if value}


class MuteForm(forms.Form):
    DAYS = ("1", "7", "30")

    check = forms.CharField(required=False, max_length=CHECK_LIMIT)
    days = forms.ChoiceField(choices=[(n, n) for n in DAYS], error_messages={"required": "Choose until when."})
    reason = forms.CharField(max_length=REASON_LIMIT, error_messages={"required": "Say why."})
