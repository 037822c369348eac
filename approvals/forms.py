"""What people may send about a proposal."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from approvals.decide import COMMENT_LIMIT, DECISIONS, REASONS

TABS = ["me", "all", "decided"]


class DecisionForm(forms.Form):
    """The signing bar's one form; each sheet has words of its own, so that neither is sent with the other's button."""

    decision = forms.ChoiceField(choices=[(name, name) for name in DECISIONS])
    fingerprint = forms.CharField(max_length=64)
    reason = forms.ChoiceField(required=False, choices=[("", ""), *REASONS.items()])
    note = forms.CharField(required=False, max_length=COMMENT_LIMIT)
    changes = forms.CharField(required=False, max_length=COMMENT_LIMIT)
    another_way = forms.BooleanField(required=False)

    @classmethod
    def of(cls, posted: QueryDict) -> DecisionForm:
        """In the queue the reason is the button: `reject=wrong_cause` says both."""
        data = posted.copy()
        if reason := data.get("reject"):
            data["decision"], data["reason"] = "reject", reason
        return cls(data)

    @property
    def words(self) -> str:
        asked = self.cleaned_data["decision"] == "request_changes"
        return str(self.cleaned_data["changes" if asked else "note"])


class QueueForm(forms.Form):
    tab = forms.ChoiceField(required=False, choices=[(name, name) for name in TABS])
    before = forms.IntegerField(required=False, min_value=1)
