"""Try a changed policy on the proposals of the past: which would have needed more, fewer or other signatures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db.models import F, Func, JSONField
from django.db.models.functions import Now

from app.core.models import User
from app.core.roles import may
from approvals.demands import unfit
from approvals.models import Proposal
from approvals.policy.facts import Facts, known, told
from approvals.policy.fit import demanded
from approvals.policy.rules import UNKNOWN, Needs, Rule
from approvals.policy.words import demand
from incidents.models import Incident
from integrations.values import Json

DAYS = 90
MOST = 20_000  # proposals, the newest; beyond that it says so
SHOWN = 100  # changed ones that are listed, those that would need fewer signatures first
Kind = Literal["more", "fewer", "other", "same"]
ORDER: tuple[Kind, ...] = ("fewer", "more", "other")

_PRODUCTION = '$.steps[*] ? (@.where == "production")'
_LISTS = '(@.key == "assets" || @.key == "jobs" || @.key == "select")'


@dataclass(frozen=True)
class Change:
    """One proposal that would have been asked otherwise."""

    kind: Kind
    incident: int  # number
    number: int  # of the proposal, within its incident
    title: str
    action: str
    risk: str
    asked_at: datetime
    # What the policy in force asks, and what the changed one would, in words; and the rules that say so.
    before: str
    after: str
    rule_before: str
    rule_after: str


@dataclass(frozen=True)
class Trial:
    """What came out: how many of which kind, the first SHOWN changes, and rules that nobody could satisfy today."""

    proposals: int
    more: int
    fewer: int
    other: int
    same: int
    changes: tuple[Change, ...]
    unmet: tuple[str, ...]
    is_cut: bool  # there were more than MOST


def simulate(now: Sequence[Rule], then: Sequence[Rule]) -> Trial:
    """Compare the rules `now` with the rules `then` on what was asked for in the last DAYS days: four queries.

    The facts are those of today: owners and tiers are kept as they are, not as they were.
    """
    rows = _asked(MOST + 1)
    facts = list(_facts(rows[:MOST]))
    judged: dict[Facts, tuple[Kind, Rule, Needs, Rule, Needs]] = {}
    kinds: Counter[str] = Counter()
    changes: list[Change] = []
    for row, one in zip(rows, facts, strict=False):
        if one not in judged:
            judged[one] = _judge(now, then, one)
        kind, rule, needs, other, needed = judged[one]
        kinds[kind] += 1
        if kind != "same":
            changes.append(_change(row, kind, demand(needs), demand(needed), rule.name, other.name))
    changes.sort(key=lambda change: ORDER.index(change.kind))
    counts = {kind: kinds[kind] for kind in ("more", "fewer", "other", "same")}
    return Trial(
        len(facts), **counts, changes=tuple(changes[:SHOWN]), unmet=tuple(unmet(then)), is_cut=len(rows) > MOST
    )


def unmet(rules: Sequence[Rule]) -> Iterator[str]:
    """Rules that ask for more people than there are: nothing under them could ever be signed. One query."""
    people = [person for person in User.objects.filter(is_active=True) if may(person, "proposal.decide")]
    for rule in rules:
        need = {"roles": rule.needs.roles, "groups": rule.needs.groups}
        able = [person for person in people if not unfit(need, person)]
        if len(able) < rule.needs.signatures:
            who = "nobody" if not able else f"only {len(able)}"
            yield f"“{rule.name}” asks for {rule.needs.signatures}, and {who} can sign it today."
        elif empty := [group for group in rule.needs.one_from if not any(group in one.member_of for one in able)]:
            yield f"“{rule.name}” asks for somebody from {', '.join(empty)}, and nobody there can sign it today."


# --- parts ---------------------------------------------------------------------------------------------------


def _asked(most: int) -> list[Json]:
    """What people were asked to sign; of each plan only what rules look at, because a plan may be large."""
    past = Proposal.objects.filter(requested_at__gte=Now() - timedelta(days=DAYS)).order_by("-requested_at", "-pk")
    found = past.values(
        "number", "title", "action", "risk", "requested_at", "incident_id",
        targets=F("plan__targets"), root=F("plan__root_asset"),
        connections=_found(f"{_PRODUCTION}.connection"),
        uris=_found(f"{_PRODUCTION}.params.keyvalue() ? {_LISTS}.value[*]"),
    )  # fmt: skip
    rows: list[Json] = [{**row} for row in found[:most]]
    # Not joined: just after many were loaded the planner knows nothing of them yet, and may compare each with each.
    incidents = Incident.objects.filter(pk__in={row["incident_id"] for row in rows})
    about = {pk: told for pk, *told in incidents.values_list("pk", "number", "failure_class")}
    for row in rows:
        row["incident_no"], row["broke"] = about[row["incident_id"]]
    return rows


def _found(path: str) -> Func:
    template = f"jsonb_path_query_array(%(expressions)s, '{path}')"
    return Func(F("plan"), template=template, output_field=JSONField())


def _facts(rows: Sequence[Json]) -> Iterator[Facts]:
    uris = [_uris(row) for row in rows]
    assets = known({uri for one in uris for uri in one})
    for row, own in zip(rows, uris, strict=True):
        through = tuple(sorted({name for name in row["connections"] if name}))
        yield Facts(row["action"], row["risk"], row["broke"] or UNKNOWN, through, told(own, assets))


def _uris(row: Json) -> tuple[str, ...]:
    found = {*(row["targets"] or []), *row["uris"], *([row["root"]] if row["root"] else [])}
    return tuple(sorted(found))


def _judge(now: Sequence[Rule], then: Sequence[Rule], facts: Facts) -> tuple[Kind, Rule, Needs, Rule, Needs]:
    (_, rule, needs), (_, other, needed) = demanded(now, facts), demanded(then, facts)
    kind: Kind = "same" if needs == needed else "other"
    if needs.signatures != needed.signatures:
        kind = "more" if needed.signatures > needs.signatures else "fewer"
    return kind, rule, needs, other, needed


def _change(row: Json, kind: Kind, before: str, after: str, rule: str, other: str) -> Change:
    return Change(
        kind, row["incident_no"], row["number"], row["title"], row["action"], row["risk"], row["requested_at"],
        before, after, rule, other,
    )  # fmt: skip
