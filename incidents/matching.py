"""Which incidents a rule of an entry would have found, and how they ended: for the person who writes it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q, Value
from django.db.models.functions import Concat, Right

from app.core.redact import redact
from incidents import lineage
from incidents.models import Asset, Incident, IncidentEvent, RunResult
from incidents.standing import Standing, standing
from knowledge.rule import Case, Condition, matches, parse

TRIED = 400  # incidents, the newest of those that can match at all
LOG_TAIL = 20_000  # characters of each log
SHOWN = 10  # past ones in the table, and open ones beside the rule
STARTS = 400  # assets that a condition may name and still be looked up first
_EXACT = {"connector": "connection__kind", "connection": "connection__name"}
_EXACT |= {"class": "failure_class", "subtype": "subtype"}


@dataclass(frozen=True)
class Match:
    """An incident for which the rule holds; `outcome` in words, `tone` ok, bad or neither."""

    incident: Incident
    why: str
    standing: Standing
    action: str
    outcome: str
    tone: str


@dataclass(frozen=True)
class Found:
    open: list[Match]
    past: list[Match]
    tried: int

    @property
    def same(self) -> tuple[str, int] | None:
        """The action with which most of the past ones were resolved, and how many."""
        most = Counter(match.action for match in self.past if match.action and match.tone == "ok").most_common(1)
        return most[0] if most else None


def would_match(rule: str) -> Found:
    """Newest first, in a constant number of queries. Raises RuleError for one that cannot be read."""
    conditions = parse(rule)
    if not conditions:
        return Found([], [], 0)
    rows = Incident.objects.filter(*(_narrowed(condition) for condition in conditions))
    rows = rows.select_related("root_asset", "connection", "run").defer("run__log", "run__error")
    tried = list(rows.order_by("-opened_at")[:TRIED])
    cases = _cases(tried, {condition.field for condition in conditions})
    held = [(incident, why) for incident in tried if (why := matches(rule, cases[incident.pk]))]
    ends = _ends([incident for incident, _ in held])
    drawn = [_match(incident, redact(why.text), ends.get(incident.pk, ("", "", ""))) for incident, why in held]
    is_open = [match.incident.status != "resolved" for match in drawn]
    return Found(
        [match for match, still in zip(drawn, is_open, strict=True) if still],
        [match for match, still in zip(drawn, is_open, strict=True) if not still],
        len(tried),
    )


def _narrowed(condition: Condition) -> Q:
    """What the database can say already, so that old incidents are found among many."""
    if name := _EXACT.get(condition.field):
        return _any(Q(**{f"{name}__iregex": _regex(value)}) for value in condition.values)
    if condition.field != "asset":
        return Q()
    uri = Concat("namespace", Value("/"), "name")
    named = _any(Q(name__iregex=_regex(value)) | Q(whole__iregex=_regex(value)) for value in condition.values)
    ids = list(Asset.objects.alias(whole=uri).filter(named).values_list("pk", flat=True)[: STARTS + 1])
    if len(ids) > STARTS:
        return Q()  # it names nearly everything: the newest are tried as they are
    if condition.operator == "in" and ids:
        ids = list({pk for below in lineage.below(ids).values() for pk in below})
    broke = Q(run__results__asset__in=ids, run__results__status="failed")
    near = Q(root_asset__in=ids) | Q(run__job__in=ids) | Q(run__outputs__overlap=ids) | broke
    return Q(pk__in=Incident.objects.filter(near).values("pk"))


def _any(parts: Iterable[Q]) -> Q:
    found = Q(pk__in=[])
    for part in parts:
        found |= part
    return found


def _regex(value: str) -> str:
    """The pattern of a rule as one that PostgreSQL reads: `*` and `?`, everything else as it is."""
    value = re.sub(r"\*+", "*", value)  # because PostgreSQL refuses a pattern of thousands
    return f"^{re.escape(value).replace(chr(92) + '*', '.*').replace(chr(92) + '?', '.')}$"


def _cases(incidents: Sequence[Incident], fields: set[str]) -> dict[int, Case]:
    """Each incident as rules see it; only what these conditions ask for is read."""
    assets = _assets(incidents, steps="asset" in fields)
    said = _said(incidents) if "error" in fields else {}
    facts = _facts(incidents) if fields & {"status", "column"} else {}
    boards = _dashboards(incidents) if "dashboard" in fields else {}
    return {
        one.pk: Case(
            assets=assets.get(one.pk, {}),
            connector=one.connection.kind,
            connection=one.connection.name,
            failure_class=one.failure_class,
            subtype=one.subtype,
            error=said.get(one.pk, ""),
            status=str(facts.get(one.pk, {}).get("status") or ""),
            columns=tuple(str(facts.get(one.pk, {})[name]) for name in ("column", "old", "new")
                          if facts.get(one.pk, {}).get(name)),
            dashboards=tuple(boards.get(one.pk, ())),
        )
        for one in incidents
    }  # fmt: skip


def _assets(incidents: Sequence[Incident], *, steps: bool) -> dict[int, dict[str, int]]:
    """Names and uris with their distance upstream: 0 for what broke."""
    if not steps:
        return {}
    runs = {one.run_id for one in incidents if one.run_id}
    failed: dict[int | None, set[int]] = defaultdict(set)
    for run, asset in RunResult.objects.filter(run__in=runs, status="failed").values_list("run", "asset"):
        failed[run].add(asset)
    above = lineage.above({one.root_asset_id for one in incidents})
    broke = {
        one.pk: {one.root_asset_id, *failed[one.run_id], *((one.run.job_id, *one.run.outputs) if one.run else ())}
        for one in incidents
    }
    known = Asset.objects.in_bulk({pk for far in above.values() for pk in far} | set().union(*broke.values(), ()))
    found: dict[int, dict[str, int]] = {}
    for one in incidents:
        far = above[one.root_asset_id] | dict.fromkeys(broke[one.pk], 0)
        pairs = [(known[pk], distance) for pk, distance in far.items() if pk in known]
        found[one.pk] = {name: distance for asset, distance in pairs for name in (asset.name, asset.ref.uri)}
    return found


def _said(incidents: Sequence[Incident]) -> dict[int, str]:
    """The end of the log, then messages: those of the run's failures, and of the incident's own events."""
    pks = [one.pk for one in incidents]
    told: dict[int, list[str]] = defaultdict(list)
    tails = Incident.objects.filter(pk__in=pks).exclude(run=None).annotate(tail=Right("run__log", LOG_TAIL))
    for pk, tail, error in tails.values_list("pk", "tail", "run__error"):
        told[pk] += [tail, error]
    failed = Incident.objects.filter(pk__in=pks, run__results__status="failed")
    for pk, message in failed.values_list("pk", "run__results__message"):
        told[pk].append(message)
    for pk, message in IncidentEvent.objects.filter(incident__in=pks).values_list("incident", "message"):
        told[pk].append(message)
    return {pk: "\n".join(parts) for pk, parts in told.items()}


def _facts(incidents: Sequence[Incident]) -> dict[int, Any]:
    newest = Incident.objects.filter(pk__in=[one.pk for one in incidents], diagnoses__isnull=False)
    rows = newest.order_by("pk", "-diagnoses__pk").distinct("pk").values_list("pk", "diagnoses__facts")
    return dict(rows)


def _dashboards(incidents: Sequence[Incident]) -> dict[int, list[str]]:
    below = lineage.below({one.root_asset_id for one in incidents})
    pks = {pk for far in below.values() for pk in far}
    names = dict(Asset.objects.filter(pk__in=pks, kind="dashboard").values_list("pk", "name"))
    return {one.pk: [names[pk] for pk in below[one.root_asset_id] if pk in names] for one in incidents}


def _ends(incidents: Sequence[Incident]) -> dict[int, tuple[str, str, str]]:
    """Newest proposal of each: status, action, and why it has that status."""
    # By the name of the relation, because this chapter may not import the later one.
    newest: Any = Incident.objects.filter(pk__in=[one.pk for one in incidents], proposals__isnull=False)
    newest = newest.order_by("pk", "-proposals__number").distinct("pk")
    told = newest.values_list("pk", *(f"proposals__{name}" for name in ("status", "action", "status_reason")))
    return {pk: (status, action, reason) for pk, status, action, reason in told}


def _match(incident: Incident, why: str, end: tuple[str, str, str]) -> Match:
    status, action, reason = end
    took = (incident.resolved_at - incident.opened_at) if incident.resolved_at else timedelta()
    if status == "rejected":
        outcome, tone = f"Rejected: {reason}" if reason else "Rejected", "bad"
    elif incident.resolution == "fixed":
        outcome, tone = f"Resolved in {_span(took)}", "ok"
    else:
        outcome, tone = f"{incident.resolution.replace('_', ' ').capitalize()} in {_span(took)}", "soft"
    return Match(incident, why, standing(incident.status), action, outcome, tone)


def _span(took: timedelta) -> str:
    minutes = max(0, round(took.total_seconds() / 60))
    return f"{minutes}m" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"
