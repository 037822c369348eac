"""What people send about a signature of their own."""

from __future__ import annotations

from typing import Any

from django import forms

from app.core.forms import StyledForm
from incidents.models import CLASSES
from incidents.own.candidate import DECIDES, Candidate
from incidents.own.models import MEANS_LIMIT, NAME_LIMIT, TEXT_LIMIT
from incidents.subtypes import SUBTYPES

RANKS = [
    ("cause", "Cause: why the run broke"),
    ("general", "General: what happened; a cause may say it better"),
    ("symptom", "Symptom: never the reason by itself"),
]
HELPS = [("", "As its subtype says"), ("yes", "Yes"), ("no", "No")]
GIVEN = {"yes": True, "no": False}
_PLAIN = {"spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}
_CODE = _PLAIN | {"class": "textarea mono", "rows": 2}


def _subtypes() -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (kind.capitalize(), [(one.name, f"{one.name}: {one.means}") for one in SUBTYPES.values()
                             if one.failure_class == kind])
        for kind in CLASSES
    ]  # fmt: skip


class SignatureForm(StyledForm):
    """`version` is what was shown when typing began; `tried` the digest of what was tried against past logs."""

    name = forms.CharField(max_length=NAME_LIMIT, widget=forms.TextInput(_PLAIN))
    pattern = forms.CharField(max_length=TEXT_LIMIT, widget=forms.Textarea(_CODE))
    literals = forms.CharField(required=False, label="Must contain", max_length=2_500, widget=forms.Textarea(_CODE))
    follow = forms.CharField(
        required=False, label="May say more in the next lines", max_length=TEXT_LIMIT, widget=forms.Textarea(_CODE)
    )
    means = forms.CharField(max_length=MEANS_LIMIT, label="What it means", widget=forms.Textarea({"rows": 2}))
    subtype = forms.ChoiceField(choices=_subtypes)
    rank = forms.ChoiceField(choices=RANKS)
    retryable = forms.ChoiceField(required=False, choices=HELPS, label="Running it again helps")
    decides = forms.ChoiceField(choices=[(name, name.capitalize()) for name in DECIDES], label="Proven by the")
    version = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)
    tried = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean_means(self) -> str:
        return " ".join(self.cleaned_data["means"].split())

    def clean_literals(self) -> tuple[str, ...]:
        return texts(self.cleaned_data["literals"])

    def candidate(self) -> Candidate:
        """What was sent; only of a valid form."""
        given = {name: value for name, value in self.cleaned_data.items() if name not in ("version", "tried")}
        return Candidate(**given | {"retryable": GIVEN.get(given["retryable"])})


def texts(typed: str) -> tuple[str, ...]:
    """One a line, in small letters; blank lines do not count."""
    return tuple(dict.fromkeys(line.strip().lower() for line in typed.splitlines() if line.strip()))


def typed(data: Any) -> Candidate:
    """Only what decides which lines match, from a form that is still being written."""
    pattern, follow = (data.get(name, "").strip()[: TEXT_LIMIT + 1] for name in ("pattern", "follow"))
    literals = texts(data.get("literals", "")[:2_500])
    return Candidate(name="", pattern=pattern, subtype="logic", means="", literals=literals, follow=follow)


def shown(candidate: Candidate) -> dict[str, Any]:
    """A candidate as first values of the form."""
    helps = {value: word for word, value in GIVEN.items()}
    return candidate.content | {
        "literals": "\n".join(candidate.literals),
        "retryable": helps.get(candidate.retryable, "") if candidate.retryable is not None else "",
    }
