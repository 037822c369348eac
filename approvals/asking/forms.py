"""What may be answered."""

from __future__ import annotations

from datetime import UTC, datetime, time

from django import forms

from approvals.asking.models import LABELS

END_OF_DAY = time(23, 59, tzinfo=UTC)


class AnswerForm(forms.Form):
    kind = forms.ChoiceField(choices=[*LABELS.items()])
    words = forms.CharField(max_length=2000, required=False)
    name = forms.CharField(max_length=120, required=False)
    day = forms.DateField(required=False)

    @property
    def until(self) -> datetime | None:
        """The end of the day that was given. Raises KeyError unless the form is valid."""
        day = self.cleaned_data["day"]
        return datetime.combine(day, END_OF_DAY) if day else None
