"""Sections 6 and 9: keys, nulls and the pipeline's own tests before and after; what downstream was rebuilt."""

from __future__ import annotations

from collections import Counter

from approvals.affected import assets_of, built_by, downstream
from approvals.checks.finding import Bench, Finding, uri_of
from incidents.models import Run, RunResult
from integrations.models import Connection
from integrations.values import Json

GOOD = {"success", "warned"}


def tests(bench: Bench) -> Finding:
    """Red when the rehearsal did not end well: the first error is told in the tool's own words."""
    if not bench.runs:
        why = "the run itself is the test" if bench.plan.on("production") else "nothing runs"
        return Finding("tests", "Pipeline tests", "skipped", why, section=[], not_checked=_unrehearsed(bench))
    failed = [result for result in bench.results if result["status"] == "failed"]
    is_ok = all(run["ok"] for run in bench.runs) and not failed
    checks = [result for result in bench.results if result["kind"] == "test"]
    passed = sum(1 for result in checks if result["status"] in GOOD)
    note = f"{passed} of {len(checks)} passed" if checks else f"{len(bench.results)} built"
    return Finding(
        "tests",
        "Pipeline tests on the branch" if is_ok else "The rehearsal failed",
        "ok" if is_ok else "bad",
        note,
        "" if is_ok else _first_error(bench, failed),
        _before_after(bench),
        effect=_effect(bench) if is_ok else {},
    )


def rebuilt(bench: Bench) -> Finding:
    """Red when an asset downstream that this pipeline builds is not among what was built well on the branch."""
    if not bench.runs:
        return Finding("downstream", "Downstream", "skipped", "not rebuilt before the signature", section=[])
    statuses = {
        uri_of(r["asset"]): r["status"] for r in bench.results if r["kind"] in ("model", "seed", "snapshot", "job")
    }
    spaces = {space for run in bench.runs for space in built_by(Connection.objects.get(name=run["connection"]))}
    edited = list(assets_of({*bench.plan.targets, bench.plan.root_asset}))
    fed = [
        asset for asset in downstream(edited) if asset.namespace in spaces and asset.kind not in ("job", "dashboard")
    ]
    missing = [asset.name for asset in fed if statuses.get(asset.ref.uri) not in GOOD]
    section = [
        {"asset": asset.ref.uri, "name": asset.name, "status": statuses.get(asset.ref.uri, "not built")}
        for asset in fed
    ]
    boards = [asset for asset in downstream([*edited, *fed]) if asset.kind == "dashboard"]
    note = f"{len(fed) - len(missing)} of {len(fed)}" + (f", {len(boards)} dashboards read them" if boards else "")
    body = f"Not rebuilt: {', '.join(missing[:10])}." if missing else ""
    return Finding("downstream", "Downstream rebuilt on the branch", "bad" if missing else "ok", note, body, section)


def _first_error(bench: Bench, failed: list[Json]) -> str:
    if failed:
        return f"{failed[0]['asset']['name']}: {failed[0]['message'][:600]}"
    broken = next((run for run in bench.runs if not run["ok"]), {})
    return str(broken.get("error") or "The run did not end well; its log has the tool's own words.")[:600]


def _before(bench: Bench) -> list[RunResult]:
    """Results of the production run that failed, or of the last one of the same runner."""
    run = bench.proposal.incident.run
    rows = RunResult.objects.filter(run=run).select_related("asset") if run else RunResult.objects.none()
    if not rows.exists():
        names = [part["connection"] for part in bench.runs]
        last = Run.objects.filter(connection__name__in=names, environment="production").order_by("-pk").first()
        rows = RunResult.objects.filter(run=last).select_related("asset")
    return list(rows.order_by("pk"))


def _before_after(bench: Bench) -> list[Json]:
    """Nodes that are not well before or after, and a count of the others."""
    before = {(row.asset.ref.uri, row.node): row for row in _before(bench)}
    rows: list[Json] = []
    for result in bench.results:
        old = before.get((uri_of(result["asset"]), result["node"]))
        was = old.status if old else ""
        if result["status"] not in GOOD or (was and was not in GOOD):
            rows.append({"name": result["node"] or result["asset"]["name"], "kind": result["kind"], "before": was,
                         "after": result["status"], "message": result["message"][:400]})  # fmt: skip
    return rows


def _effect(bench: Bench) -> Json:
    """For a fix whose effect is that it runs again."""
    now = Counter(row.status for row in _before(bench))
    bad, waiting = now.get("failed", 0), now.get("skipped", 0)
    if not bad and not waiting:
        return {}
    told = f"{bad} failed" + (f", {waiting} skipped" if waiting else "")
    after = "0 failed"
    return {"label": "Pipeline steps", "now": told, "branch": after, "expected": after, "line": f"{told} → {after}"}


def _unrehearsed(bench: Bench) -> tuple[str, ...]:
    if not bench.plan.on("production") or bench.plan.steps[0].kind == "ask":
        return ()
    return ("Not rehearsed: the run happens in production, after the signature.",)
