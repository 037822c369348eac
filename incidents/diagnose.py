"""Evidence, rules, a model where there is one: what broke, why, how sure that is; each claim cites what is there.

`Diagnosis.facts`, read by the proposer: always `subtype`, `job` {"namespace", "name"} or null, `runner` (name of the
connection that can run it again) or null, `run_id`, `failed` [asset uris], `commit`; and for each subtype

unknown_category     asset, column, values, version (that brought them), rows
duplicate_rows       asset, key [columns], duplicates, ignore [load metadata columns]
column_renamed       asset, old, new, models [uris], paths [source files that use the old name]
bad_commit           commit, subject, author, paths, path, asset
missing_ref          the same, and missing
out_of_memory        parameter, now, max, limit_bytes
permission_denied    asset, object, privilege, role, grant, owner {"name", "email"}
service_unavailable  status, retry_after_s, not_before, not_after (seconds, ISO 8601 or null)
lock_conflict        resource, holder
worker_lost          pod, stuck {pod: uid}, read_with {"entry", "header", "evidence"} where a note named the header

and where notes have hints whose rule holds: `hints`, `expected` (incidents/heed.py). An expected change within its
bounds is closed here, with the note that expects it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from decimal import Decimal

from django.db import transaction

from app.core.audit import WORKER
from app.core.lease import holds, lease
from app.core.lifecycle import advance
from incidents import gather, lineage
from incidents.agent.refine import refine
from incidents.case import Case
from incidents.evidence import Dossier, keep
from incidents.heed import heed
from incidents.history import changes
from incidents.knowing import known, remember, told
from incidents.models import Asset, Diagnosis, Incident
from incidents.resolve import resolve
from incidents.rules import RULES
from incidents.verdict import Verdict, claim
from integrations.values import Json

log = logging.getLogger(__name__)

PRODUCER = "rules 1"  # changes when the rules do, so that old diagnoses can be told apart
UNSURE = "Nothing that was read decides what broke. A person has to look."


def diagnose(incident: Incident) -> Diagnosis | None:
    """Collect evidence, conclude, and move on: to `proposing`, or to `escalated` when nothing decides.

    None when this worker lost the incident to another meanwhile. Raises LostRace when another one holds it now.
    """
    with lease(incident, "open", "diagnosing") as epoch:
        if incident.status == "open":
            advance(incident, "diagnosing", actor=WORKER, source="worker")
        return _conclude(incident, epoch)


def _conclude(incident: Incident, epoch: int) -> Diagnosis | None:
    case = Case(incident)
    opinion = refine(case, examine(case), epoch)
    verdict = opinion.verdict
    with transaction.atomic():
        if not holds(incident, epoch):
            return None
        keep(incident, case.dossier)
        made = _write(case, verdict, opinion.producer(PRODUCER))
        opinion.belongs_to(made)
        remember(made, case.dossier)
        _name(incident, verdict)
        if made.facts.get("expected", {}).get("within"):
            resolve(incident, "expected", comment=made.facts["expected"]["says"], actor=WORKER, source="worker")
            return made
        to = "escalated" if made.inconclusive else "proposing"
        log.info("%s: %s %s at %s", incident, made.failure_class, made.subtype or to, incident.root_asset)
        advance(
            incident, to, actor=WORKER, source="worker", reason=made.root_cause, diagnosis=made.pk, subtype=made.subtype
        )
    return made


def examine(case: Case) -> Verdict | None:
    """Fill the dossier and ask the rules in their order (`rules/__init__.py`); writes nothing."""
    gather.symptoms(case)
    history = changes(case)
    verdict = next((said for rule in RULES if (said := rule(case, history))), None)
    root = (verdict and verdict.root) or case.root
    gather.surroundings(case, root)
    return heed(case, verdict, known(case, root, verdict))


def _write(case: Case, verdict: Verdict | None, producer: str) -> Diagnosis:
    made = Diagnosis(incident=case.incident, produced_by=producer, facts=_facts(case, verdict))
    if verdict is None:
        made.root_cause, made.inconclusive, made.confidence = " ".join([UNSURE, *case.asks]), True, Decimal(0)
        made.claims = [claim("These were read, and none of them decides.", *sorted(case.dossier.labels))]
        made.alternatives = [
            {"cause": "Something that could not be read", "why_not": why, "cites": []} for why in case.unread[:5]
        ]
    else:
        made.failure_class, made.subtype, made.root_cause = verdict.failure_class, verdict.subtype, verdict.root_cause
        made.claims = cited([*verdict.claims, *_reach(case)], case.dossier)
        made.alternatives = cited(verdict.alternatives, case.dossier)
        made.confidence = Decimal(str(verdict.confidence))
    made.save()
    return made


def cited(sentences: Iterable[Json], dossier: Dossier) -> list[Json]:
    """Without what cites nothing that is there."""
    kept = []
    for sentence in sentences:
        cites = [cite for cite in dict.fromkeys(sentence["cites"]) if cite in dossier.labels]
        if cites:
            kept.append({**sentence, "cites": cites})
    return kept


def _reach(case: Case) -> list[Json]:
    """How far it reaches, and what people know about it."""
    said = [
        claim(f"{item.title}.", item.label)
        for item in case.dossier.items
        if item.kind == "lineage" and item.body["affected"]
    ]
    return said + told(case.dossier)


def _facts(case: Case, verdict: Verdict | None) -> Json:
    job, run = case.job, case.run
    return {
        "subtype": verdict.subtype if verdict else "",
        "job": {"namespace": job.namespace, "name": job.name} if job else None,
        "runner": case.runner.name if case.runner else None,
        "run_id": run.external_id if run else "",
        "failed": list(dict.fromkeys(row.asset.ref.uri for row in case.failed)),
        **({"commit": run.commit} if run else {"commit": ""}),
        **(verdict.facts if verdict else {}),
    }


def _name(incident: Incident, verdict: Verdict | None) -> None:
    """Class, subtype, and the root where evidence showed another one."""
    if verdict is None:
        return
    fields = {"failure_class": verdict.failure_class, "subtype": verdict.subtype, "summary": verdict.root_cause[:300]}
    if verdict.root and verdict.root.pk != incident.root_asset_id:
        fields |= _reached(verdict.root)
    Incident.objects.filter(pk=incident.pk).update(**fields)
    incident.refresh_from_db()


def _reached(root: Asset) -> Json:
    below = lineage.downstream(root)
    return {
        "root_asset": root,
        "downstream_count": sum(asset.kind != "job" for asset in below),
        "dashboard_count": sum(asset.kind == "dashboard" for asset in below),
    }
