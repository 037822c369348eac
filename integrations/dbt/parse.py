"""What dbt leaves behind, in our own words. Pure: no call, no clock.

Payload: `{"run_results", "manifest", "sources", "log", "environment", "commit", "run_id", "started_at", "finished_at",
"return_code", "parameters"}`; each part may be missing. Formats: run-results v6, manifest v12, sources v3.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from integrations.dbt.facts import facts_of, tested_node
from integrations.dbt.log import Told, read_log
from integrations.dbt.naming import BUILT, Names, nodes_of
from integrations.values import LOG_LIMIT, AssetRef, Environment, Json, NodeResult, RunReport

STATUS = {
    **dict.fromkeys(("success", "pass"), "success"),
    **dict.fromkeys(("error", "fail", "runtime error", "partial success"), "failed"),
    "warn": "warned",
    "skipped": "skipped",
}


def parse(payload: Json, names: Names) -> RunReport:
    manifest, run_results = _part(payload, "manifest"), _part(payload, "run_results")
    nodes, told = nodes_of(manifest), read_log(str(payload.get("log") or ""))
    results = [*_results(run_results, nodes, names), *_freshness(_part(payload, "sources"), nodes, names)]
    status = _status(payload, results)
    if status != "success" and not any(result.status == "failed" for result in results) and told.error:
        results.append(_from_log(told, nodes, names))
    first = next((result for result in results if result.status == "failed"), None)
    touched = [nodes[result.node] for result in results if result.node in nodes]
    return RunReport(
        run_id(payload),
        names.job,
        status,
        _environment(payload),
        _time(payload.get("started_at")) or _began(run_results),
        _time(payload.get("finished_at")) or _time((run_results.get("metadata") or {}).get("generated_at")),
        error=(first.message if first else "") or told.error,
        log=told.text[-LOG_LIMIT:],
        inputs=_inputs(touched, nodes, names),
        outputs=tuple(names.asset(node) for node in touched if node.get("resource_type") in BUILT),
        results=tuple(results),
        facts=facts_of(manifest, names),
        commit=str(payload.get("commit") or ""),
        parameters=dict(payload.get("parameters") or {}),
    )


def run_id(payload: Json) -> str:
    """The sender's id of the run, else dbt's own, else a digest of what was sent."""
    own = (_part(payload, "run_results").get("metadata") or {}).get("invocation_id")
    if found := payload.get("run_id") or own:
        return str(found)
    return hashlib.sha256(json.dumps(payload, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _results(run_results: Json, nodes: Json, names: Names) -> list[NodeResult]:
    rows = [row for row in run_results.get("results") or [] if row.get("status") in STATUS]
    return [_result(row, nodes, names) for row in rows]


def _result(row: Json, nodes: Json, names: Names) -> NodeResult:
    uid = str(row.get("unique_id") or "")
    node = nodes.get(uid, {})
    return NodeResult(
        _asset(uid, nodes, names),
        STATUS[str(row["status"])],
        uid,
        str(node.get("resource_type") or uid.partition(".")[0]),
        str(row.get("message") or "") if STATUS[str(row["status"])] != "success" else "",
        row.get("failures"),
        float(row.get("execution_time") or 0),
    )


def _asset(uid: str, nodes: Json, names: Names) -> AssetRef:
    """A test stands for the asset that it is about."""
    node = nodes.get(uid)
    if node and node.get("resource_type") in ("test", "unit_test"):
        uid = tested_node(node)
        node = nodes.get(uid)
    if node:
        return names.asset(node)
    return names.unknown(uid)


def _freshness(sources: Json, nodes: Json, names: Names) -> list[NodeResult]:
    found = []
    for row in sources.get("results") or []:
        uid, status = str(row.get("unique_id") or ""), STATUS.get(str(row.get("status")), "failed")
        age = row.get("max_loaded_at_time_ago_in_s")
        message = (
            str(row.get("error") or "") or f"Loaded last at {row.get('max_loaded_at')}, {float(age or 0):.0f} s before."
        )
        found.append(
            NodeResult(_asset(uid, nodes, names), status, uid, "freshness", "" if status == "success" else message)
        )
    return found


def _from_log(told: Told, nodes: Json, names: Names) -> NodeResult:
    """The node that the run's last error names, by id or by file; the job itself when it names none."""
    by_path = next(
        (uid for uid, node in nodes.items() if told.path and node.get("original_file_path") == told.path), ""
    )
    uid = told.node or by_path
    if not uid and told.path.endswith(".sql"):
        uid = f"model.unknown.{told.path.rpartition('/')[2].removesuffix('.sql')}"
    kind = uid.partition(".")[0] or "job"
    return NodeResult(_asset(uid, nodes, names) if uid else names.job, "failed", uid, kind, told.error)


def _status(payload: Json, results: list[NodeResult]) -> str:
    code = payload.get("return_code")
    if isinstance(code, int) and code < 0:
        return "aborted"
    failed = any(result.status == "failed" for result in results)
    return "failed" if failed or (isinstance(code, int) and code != 0) else "success"


def _inputs(touched: list[Json], nodes: Json, names: Names) -> tuple[AssetRef, ...]:
    parents = {uid for node in touched for uid in (node.get("depends_on") or {}).get("nodes") or []}
    return tuple(
        sorted(names.asset(nodes[uid]) for uid in parents if nodes.get(uid, {}).get("resource_type") == "source")
    )


def _environment(payload: Json) -> Environment:
    return "staging" if payload.get("environment") == "staging" else "production"


def _began(run_results: Json) -> datetime | None:
    starts = [step.get("started_at") for row in run_results.get("results") or [] for step in row.get("timing") or []]
    return min((moment for start in starts if (moment := _time(start))), default=None)


def _time(value: Any) -> datetime | None:
    if isinstance(value, datetime) or not value:
        return value or None
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _part(payload: Mapping[str, Any], name: str) -> Json:
    part = payload.get(name)
    return part if isinstance(part, dict) else {}
