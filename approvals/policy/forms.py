"""The rules of a policy as forms, one each, that can be moved, added and removed while they are typed.

Nothing is kept on our side: what is typed travels with the page until it is proposed.
"""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.http import QueryDict

from app.core.forms import StyledForm
from app.core.roles import APPROVER, ROLES
from approvals.catalogue import CATALOGUE, RISKS
from approvals.policy.rules import (
    CLASSES,
    DOORS,
    LONGEST_H,
    MOST_RULES,
    MOST_SIGNATURES,
    UNKNOWN,
    Needs,
    Rule,
    When,
    problems,
)

LINES = ("asset", "only", "tier", "owner", "connection", "groups", "one_from")  # fields with one value a line
WHEN_LISTS = ("failure_class", "action", "risk")
Typed = dict[str, list[str]]  # what stands in the fields of one rule, by name


def _boxes(label: str, values: Iterable[str]) -> forms.MultipleChoiceField:
    choices = [(value, value) for value in values]
    return forms.MultipleChoiceField(label=label, choices=choices, required=False, widget=forms.CheckboxSelectMultiple)


def _lines(label: str) -> forms.CharField:
    return forms.CharField(label=label, required=False, widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}))


class RuleForm(StyledForm):
    """One rule. A field that is left empty is no condition, or no further demand."""

    name = forms.CharField(label="Name", required=False)
    risk = _boxes("Risk", RISKS)
    failure_class = _boxes("Class of the cause", (*CLASSES, UNKNOWN))
    action = _boxes("Action", CATALOGUE)
    asset = _lines("Touches one of these assets")
    only = _lines("Touches nothing but these")
    tier = _lines("Tier of an asset")
    owner = _lines("Owner of an asset")
    connection = _lines("Connection")
    signatures = forms.IntegerField(label="Signatures", min_value=1, max_value=MOST_SIGNATURES)
    roles = _boxes("Roles, beside approver", [role for role in ROLES if role != APPROVER])
    groups = _lines("Only from these groups")
    one_from = _lines("At least one from each of")
    doors = _boxes("Doors, beside the web", DOORS[1:])
    second_factor = forms.BooleanField(label="With a second factor", required=False)
    within_h = forms.IntegerField(label="Hours to sign", required=False, min_value=1, max_value=LONGEST_H)

    @property
    def is_narrow(self) -> bool:
        """Whether a condition beside the risk is set, or wrong."""
        return self._holds("failure_class", "action", *LINES[:5])

    @property
    def is_strict(self) -> bool:
        """Whether it says who signs, and how."""
        return self._holds("roles", "groups", "one_from", "second_factor") or set(self["doors"].value()) < set(
            DOORS[1:]
        )

    def _holds(self, *names: str) -> bool:
        return any(self[name].value() or self[name].errors for name in names)

    def rule(self) -> Rule:
        """Of a form that is valid by itself; `problems` says whether the policy is."""
        given = self.cleaned_data
        several = {name: tuple(given[name].split("\n")) if given[name] else () for name in LINES}
        several = {name: tuple(one.strip() for one in values if one.strip()) for name, values in several.items()}
        when = {name: several[name] for name in LINES[:5]} | {name: tuple(given[name]) for name in WHEN_LISTS}
        needs = Needs(
            given["signatures"],
            tuple(given["roles"]) or (APPROVER,),
            several["groups"],
            several["one_from"],
            tuple(door for door in DOORS if door == "web" or door in given["doors"]),
            given["second_factor"],
            given["within_h"],
        )
        return Rule(given["name"].strip(), When(**when), needs)


def typed(rule: Rule) -> Typed:
    """A rule as its form would send it."""
    when, needs = rule.when, rule.needs
    sent: Typed = {name: list(getattr(when, name)) for name in WHEN_LISTS}
    sent |= {name: ["\n".join(getattr(when if name in LINES[:5] else needs, name))] for name in LINES}
    sent |= {"name": [rule.name], "signatures": [str(needs.signatures)]}
    sent |= {"roles": [role for role in needs.roles if role != APPROVER] if APPROVER not in needs.roles else []}
    sent |= {
        "doors": [door for door in needs.doors if door != "web"],
        "second_factor": ["on"] if needs.second_factor else [],
    }
    sent |= {"within_h": [str(needs.within_h)] if needs.within_h else []}
    return sent


def sent(post: QueryDict) -> list[Typed]:
    """What a page sent, rule by rule in its order."""
    count = post.get("count", "")
    many = min(int(count), MOST_RULES) if count.isascii() and count.isdigit() and len(count) < 4 else 0
    return [{name: post.getlist(f"r{at}-{name}") for name in RuleForm.base_fields} for at in range(many)]


def moved(rules: list[Typed], act: str) -> list[Typed]:
    """After a button: `add`, `up:<n>`, `down:<n>`, `remove:<n>`. The last rule stays, and stays last."""
    verb, _, place = act.partition(":")
    at = int(place) if place.isascii() and place.isdigit() and len(place) < 4 else -1
    rest, last = list(rules[:-1]), rules[-1:]
    if verb == "add" and len(rules) < MOST_RULES:
        rest.append({"signatures": ["1"], "doors": list(DOORS[1:])})
    elif verb == "remove" and 0 <= at < len(rest):
        del rest[at]
    elif verb in {"up", "down"} and 0 <= at < len(rest):
        other = at - 1 if verb == "up" else at + 1
        if 0 <= other < len(rest):
            rest[at], rest[other] = rest[other], rest[at]
    return [*rest, *last]


def bound(rules: list[Typed]) -> list[RuleForm]:
    """A form each; their errors are those of the whole policy as well."""
    data = QueryDict(mutable=True)
    for at, values in enumerate(rules):
        for name, parts in values.items():
            data.setlist(f"r{at}-{name}", parts)
    return [RuleForm(data, prefix=f"r{at}") for at in range(len(rules))]


def judged(made: list[RuleForm]) -> tuple[Rule, ...] | None:
    """The policy that the forms make; None, with the errors at their fields, when they make none."""
    if not all([form.is_valid() for form in made]):  # noqa: C419 - each form is asked, for its errors
        return None
    rules = tuple(form.rule() for form in made)
    found = list(problems(rules))
    for one in found:
        if one.at < len(made):
            name = one.part.rpartition(".")[2]
            made[one.at].add_error(name if name in RuleForm.base_fields else None, one.message)
    return None if found else rules
