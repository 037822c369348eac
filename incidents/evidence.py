"""Numbered, sourced facts about an incident: E1, E2 ... from systems, K1, K2 ... from people.

`Evidence.body` by kind (a key that does not apply may be missing; all text is plain and secrets in it are covered):

log        {"run": id, "total": lines, "lines": [{"n": 312, "text", "hit": bool}]}  gaps in `n` were left out;
            frames of a trace are one entry: {"n", "to", "frames", "text": "… 34 frames", "lines": [{"n", "text"}]}
signature  {"id", "tool", "failure_class", "subtype", "retryable", "means", "line": n, "text", "groups": {name: value}}
lineage    {"nodes": [{"uri", "name", "kind", "depth", "state": root|affected|healthy, "note"}], "edges": [[uri, uri]],
            "affected": n, "dashboards": n, "seen_by": [{"name", "owner"}] of dashboards}
            at most 60 nodes, nearest to the root first
schema     {"asset": uri, "before": version, "after": version, "same": n, "columns": [{"name", "before": type or "",
            "after": type or "", "change": added|removed|renamed|retyped, "to": new name of a renamed one}]}
comments   {"asset": uri, "columns": [{"name", "comment"}]}  what was written about its columns where they are kept
runs       {"of": name, "runs": [{"id", "status", "at": iso, "seconds"}] oldest first, at most 30,
            "passed": n, "warned": n, "failed": n, "median_seconds", "last_good": {"id", "at", "commit"} or null,
            "rows": [{"version", "at", "rows", "known_bad"}], "band": {"low", "high"} or null}
changes    {"since": commit of the last good run or "", "now": commit, "commits": [{"sha", "at", "author", "subject",
            "paths": [...], "touches": [paths on the way to the failure], "is_suspect": bool}]}  newest first; without
            a repository instead "models": [{"name", "path", "at", "is_suspect"}] from dbt's manifests; "versions":
            [{"name", "before", "now"}] that the orchestrator gives, Airflow's DAG and bundle
profile    {"asset": uri, "version", "rows", "columns": [{"column", "check", "what", "usual", "now", "share", "rows",
            "new": [values]}]}
keys       {"asset": uri, "key": [columns], "duplicates": n, "rows": n, "sample": [row], "differ": [columns]}
grants     {"asset": uri, "object", "privilege", "role", "owner", "comment", "may_read": bool,
            "roles": {role: [privileges]}}
parameters {name: {"kind", "now", "max", ...}}  what a run of the job accepts
reading    {"tool", "arguments", "text"}  what a model read through the gateway and cites
workload   {"state", "pods": [{"name", "uid", "phase", "reason", "message", "node", "is_stuck"}],
            "lines": [{"n", "text"}], "total": n, "header": name that a note gave or ""}  of a job in a cluster
similar    {"incidents": [{"number", "title", "subtype", "asset", "opened_at": iso, "status", "resolution", "action",
            "why", "held": bool}]}  the most telling first; `held` where a signed fix was carried out and stayed
knowledge  {"entry": key, "version", "title", "text": markdown, "author", "at": iso, "why": it was found, "distance":
            steps upstream or null, "applies": whether its hints are acted on, "hints": [knowledge/hints.py]}
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import transaction

from incidents.models import Evidence, Incident
from integrations.values import Json

TITLE_LIMIT, SOURCE_LIMIT = 300, 200  # characters, as the columns allow


@dataclass(frozen=True)
class Item:
    label: str
    kind: str
    title: str
    body: Json
    source: str
    trust: str = "system"
    call: int | None = None


@dataclass
class Dossier:
    """The evidence of one diagnosis while it is collected. What is not in it cannot be cited."""

    items: list[Item] = field(default_factory=list)

    def add(
        self, kind: str, title: str, body: Json, source: str, *, trust: str = "system", call: int | None = None
    ) -> str:
        """Returns the label: the next E, or the next K for what people wrote."""
        letter = "K" if kind == "knowledge" else "E"
        number = sum(item.label.startswith(letter) for item in self.items) + 1
        item = Item(f"{letter}{number}", kind, title[:TITLE_LIMIT], body, source[:SOURCE_LIMIT], trust, call)
        self.items.append(item)
        return item.label

    def cites(self, *kinds: str) -> list[str]:
        """Labels of the evidence of these kinds that is there."""
        return [item.label for item in self.items if item.kind in kinds]

    @property
    def labels(self) -> set[str]:
        return {item.label for item in self.items}


def keep(incident: Incident, dossier: Dossier) -> None:
    """Put the dossier in the place of what an earlier diagnosis collected, in one transaction."""
    with transaction.atomic():
        incident.evidence.all().delete()
        Evidence.objects.bulk_create(
            Evidence(
                incident=incident,
                label=item.label,
                kind=item.kind,
                title=item.title,
                body=item.body,
                source=item.source,
                trust=item.trust,
                call_id=item.call,
            )
            for item in dossier.items
        )
