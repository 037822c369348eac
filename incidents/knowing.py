"""What people know about an incident: found, numbered K1, K2 ..., and ready to be acted on."""

from __future__ import annotations

from dataclasses import dataclass

from incidents import lineage
from incidents.case import Case
from incidents.evidence import Dossier
from incidents.models import Asset, Diagnosis
from incidents.verdict import Verdict, claim
from integrations.values import Json
from knowledge import rule
from knowledge.cite import cite
from knowledge.hints import parse
from knowledge.recall import Hit, recall

TOLD = 200  # characters of a note in a claim


@dataclass(frozen=True)
class Known:
    """What was recalled, and the label under which it can be cited."""

    label: str
    hit: Hit


def known(case: Case, root: Asset, verdict: Verdict | None = None) -> list[Known]:
    """Put what is recalled for the case into its dossier."""
    found = []
    for hit in recall(asked(case, root, verdict)):
        entry = hit.entry
        author = entry.author.label if entry.author else entry.origin
        body = {
            "entry": entry.pk,
            "version": entry.version,
            "title": entry.title,
            "text": entry.body,
            "author": author,
            "at": entry.updated_at.isoformat(),
            "why": hit.why,
            "distance": hit.distance,
            "applies": hit.applies,
            "hints": entry.hints,
        }
        trust = "human" if entry.trust == "human" else "untrusted"
        label = case.dossier.add("knowledge", entry.title, body, f"{entry.kind} by {author}", trust=trust)
        found.append(Known(label, hit))
    return found


def remember(made: Diagnosis, dossier: Dossier) -> None:
    """Count the entries that the claims of a diagnosis cite."""
    cites = {label for claim in made.claims for label in claim["cites"]}
    entries = {
        item.body["entry"]: item.body["version"]
        for item in dossier.items
        if item.kind == "knowledge" and item.label in cites
    }
    cite(entries, diagnosis=made.pk, incident=made.incident.number)


def told(dossier: Dossier) -> list[Json]:
    """Claims: what a person wrote about what broke, or what stands upstream.

    What is only worded alike is not claimed, nor is a description that came with the code: both stay evidence.
    """
    return [
        claim(f"{item.body['author']} wrote: {_short(item.body)}", item.label)
        for item in dossier.items
        if item.kind == "knowledge" and item.trust == "human" and item.body["distance"] is not None
    ]


def _short(body: Json) -> str:
    said = [body["text"][:TOLD].strip() or body["title"], *(hint.sentence for hint in parse(body["hints"]))]
    return " ".join(said)


def asked(case: Case, root: Asset, verdict: Verdict | None = None) -> rule.Case:
    """The case as rules of entries see it: what broke and what stands upstream, what was found, what the log says."""
    incident, facts = case.incident, verdict.facts if verdict else {}
    return rule.Case(
        assets=_assets(case, root),
        connector=incident.connection.kind,
        connection=incident.connection.name,
        failure_class=verdict.failure_class if verdict else incident.failure_class,
        subtype=verdict.subtype if verdict else incident.subtype,
        error="\n".join([*case.lines, *(hit.text for hit in case.decisive)])[-rule.TEXT_LIMIT :],
        status=str(facts.get("status") or ""),
        columns=_columns(case, facts),
        dashboards=tuple(asset.name for asset in lineage.dashboards(root)),
        text=f"{incident.title}\n{verdict.root_cause if verdict else incident.summary}",
    )


def _assets(case: Case, root: Asset) -> dict[str, int]:
    """Names and uris with their distance upstream; 0 are the root, the job, its outputs and what else failed."""
    steps = lineage.above([root.pk])[root.pk]
    outputs = case.run.outputs if case.incident.run and case.run else []
    broke = {root.pk, case.root.pk, *outputs, *(row.asset_id for row in case.failed)}
    broke |= {case.job.pk} if case.incident.run and case.job else set()
    found: dict[str, int] = {}
    for asset in Asset.objects.filter(pk__in={*steps, *broke}):
        distance = 0 if asset.pk in broke else steps[asset.pk]
        for name in (asset.name, asset.ref.uri):
            found[name] = min(distance, found.get(name, distance))
    return found


def _columns(case: Case, facts: Json) -> tuple[str, ...]:
    named = [facts.get(name) for name in ("column", "old", "new")]
    named += [finding["column"] for alert in case.alerts for finding in alert["detail"].get("findings", [])]
    return tuple(dict.fromkeys(str(name) for name in named if name))
