"""Evidence that every diagnosis has: log, signatures; then reach, past runs and precedents."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from django.db.models import Q

from incidents import lineage
from incidents.case import Case
from incidents.comments import comments
from incidents.excerpt import excerpt
from incidents.models import Asset, AssetEdge, AssetProfile, Incident, Run
from incidents.signatures import Match
from integrations.values import Json

SIGNATURES = 4  # different ones that become evidence
NAMED = 3  # dashboards in the title
NODES = 60  # of the drawing
RUNS = 30
SIMILAR, PRECEDENTS = 5, 40  # earlier incidents that are shown; newest ones among which they are chosen
HELD, SAME_ASSET = 3.0, 2.0  # weights of an earlier incident: its fix held, it was of the same asset


def symptoms(case: Case) -> None:
    """What the failing run said."""
    if not case.lines:
        return
    run = case.incident.run
    name = run.external_id if run else str(case.incident)
    body = {"run": name, "total": len(case.lines), "lines": excerpt(case.lines, case.decisive)}
    case.dossier.add(
        "log", f"Log of run {name}" if run else "What was reported", body, f"log of {name}", trust="untrusted"
    )
    for hit in list({hit.signature.id: hit for hit in reversed(case.decisive)}.values())[-SIGNATURES:][::-1]:
        case.dossier.add("signature", _signature_title(hit), _signature(hit), f"signatures of {hit.signature.tool}")


def surroundings(case: Case, root: Asset) -> None:
    """How far it reaches from `root`, how it went before, and how it ended before."""
    _lineage(case, root)
    comments(case, root)
    _runs(case, root)
    _similar(case, root)


def _signature_title(hit: Match) -> str:
    return f"{hit.signature.means} ({hit.signature.id})"


def _signature(hit: Match) -> Json:
    found = hit.signature
    return {
        "id": found.id,
        "tool": found.tool,
        "failure_class": found.failure_class,
        "subtype": found.subtype,
        "retryable": found.retryable,
        "means": found.means,
        "line": hit.line,
        "text": hit.text.strip()[:500],
        "groups": dict(hit.groups),
    }


def _lineage(case: Case, root: Asset) -> None:
    down, up = lineage.below([root.pk])[root.pk], lineage.above([root.pk])[root.pk]
    depth = dict(down) | {pk: -steps for pk, steps in up.items() if pk not in down}
    nearest = dict(sorted(depth.items(), key=lambda pair: (abs(pair[1]), pair[0]))[:NODES])
    rows = Asset.objects.in_bulk(nearest)
    failed = {row.asset_id: "test failed" if row.kind == "test" else "failed" for row in case.failed}
    nodes = [
        {
            "uri": rows[pk].ref.uri,
            "name": rows[pk].name,
            "kind": rows[pk].kind,
            "depth": steps,
            "state": "root" if pk == root.pk else "affected" if steps > 0 else "healthy",
            "note": failed.get(pk, rows[pk].kind),
        }
        for pk, steps in sorted(nearest.items(), key=lambda pair: pair[1])
    ]
    pairs = AssetEdge.objects.filter(upstream__in=nearest, downstream__in=nearest).values_list("upstream", "downstream")
    kinds = dict(Asset.objects.filter(pk__in=down.keys() - {root.pk}).exclude(kind="job").values_list("pk", "kind"))
    dashboards = sum(kind == "dashboard" for kind in kinds.values())
    edges = [[rows[a].ref.uri, rows[b].ref.uri] for a, b in sorted(pairs)]
    seen_by = _dashboards(down.keys() - {root.pk})
    body = {"nodes": nodes, "edges": edges, "affected": len(kinds), "dashboards": dashboards, "seen_by": seen_by}
    assets = "1 asset" if len(kinds) == 1 else f"{len(kinds)} assets"
    title = f"{root.name} feeds {assets}" + (f", {dashboards} of them dashboards" if dashboards else "")
    if len(kinds) == dashboards:
        title = f"{root.name} feeds {dashboards} dashboard{'s' * (dashboards != 1)}"
    if seen_by:
        title += ": " + ", ".join(f"{each['name']} ({each['owner'] or 'nobody owns it'})" for each in seen_by[:NAMED])
    case.dossier.add("lineage", title, body, "lineage as last reported")


def _dashboards(below: Iterable[int]) -> list[Json]:
    """What people look at, and whom to tell."""
    rows = Asset.objects.filter(pk__in=below, kind="dashboard").order_by("name")[:NODES]
    return [{"name": row.name, "owner": row.owner.get("name") or row.owner.get("email") or ""} for row in rows]


def _runs(case: Case, root: Asset) -> None:
    if case.job is None:
        return
    past = list(Run.objects.filter(job=case.job, environment="production").order_by("-started_at", "-pk")[:RUNS])[::-1]
    shown = [_run(run) for run in past]
    seconds = [run["seconds"] for run in shown if run["seconds"] is not None]
    good = case.last_good
    body = {
        "of": case.job.name,
        "runs": shown,
        **{word: sum(run["status"] == status for run in shown)
           for word, status in (("passed", "success"), ("warned", "warned"), ("failed", "failed"))},
        "median_seconds": median(seconds) if seconds else None,
        "last_good": good and {"id": good.external_id, "at": _at(good), "commit": good.commit},
        **_rows(root),
    }  # fmt: skip
    case.dossier.add("runs", f"Last {len(shown)} runs of {case.job.name}", body, f"runs of {case.job.name}")


def _run(run: Run) -> Json:
    took = (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else None
    return {"id": run.external_id, "status": run.status, "at": _at(run), "seconds": took}


def _at(run: Run) -> str:
    at = run.started_at or run.finished_at
    return at.isoformat() if at else ""


def _rows(root: Asset) -> Json:
    past = list(AssetProfile.objects.filter(asset=root).order_by("-at")[:RUNS])[::-1]
    rows = [
        {"version": p.version, "at": p.at.isoformat(), "rows": p.profile.get("rows", 0), "known_bad": p.is_known_bad}
        for p in past
    ]
    usual = sorted(row["rows"] for row in rows if not row["known_bad"])
    return {"rows": rows, "band": {"low": usual[0], "high": usual[-1]} if len(usual) > 1 else None}


def _similar(case: Case, root: Asset) -> None:
    """What healed earlier ones: those whose fix was signed, carried out and held weigh most."""
    subtypes = {hit.signature.subtype for hit in case.decisive} | ({case.incident.subtype} - {""})
    near = Q(root_asset=root) | Q(subtype__in=subtypes)
    found = Incident.objects.filter(near).exclude(pk=case.incident.pk).select_related("root_asset")
    recent = list(found.prefetch_related("proposals").order_by("-opened_at")[:PRECEDENTS])
    ranked = sorted(recent, key=lambda one: (-_weight(one, root), -one.number))[:SIMILAR]
    listed = [_precedent(incident, root) for incident in ranked]
    if listed:
        case.dossier.add("similar", f"{len(listed)} earlier incidents like this", {"incidents": listed}, "incidents")


def _weight(incident: Incident, root: Asset) -> float:
    return HELD * _held(incident) + SAME_ASSET * (incident.root_asset_id == root.pk) + _is_settled(incident)


def _held(incident: Incident) -> bool:
    """A person signed the fix, it was carried out, and the incident did not come back."""
    done = any(proposal.status == "done" for proposal in incident.proposals.all())
    return done and incident.status == "resolved" and incident.resolution == "fixed" and not incident.reopened


def _is_settled(incident: Incident) -> bool:
    return incident.status == "resolved" and incident.resolution != "false_positive"


def _precedent(incident: Incident, root: Asset) -> Json:
    proposals = sorted(incident.proposals.all(), key=lambda one: (one.status == "done", one.pk))
    last = proposals[-1] if proposals else None
    return {
        "number": incident.number,
        "title": incident.title,
        "subtype": incident.subtype,
        "asset": incident.root_asset.name,
        "opened_at": incident.opened_at.isoformat(),
        "status": incident.status,
        "resolution": incident.resolution,
        "action": last.action if last else "",
        "held": _held(incident),
        "why": "the same asset" if incident.root_asset_id == root.pk else "the same kind of failure",
    }
