"""Our own plain shape, and the alerts of Keep, Alertmanager and PagerDuty, as reports and alerts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.canonical import sha256
from integrations.untrusted import environment, mapping, moment, rows, text
from integrations.values import LOG_LIMIT, Alert, AssetFact, AssetRef, Json, RunReport

RUN_STATUS = {
    "running": "running", "started": "running", "start": "running",
    "success": "success", "succeeded": "success", "complete": "success", "completed": "success", "ok": "success",
    "resolved": "success", "aborted": "aborted", "cancelled": "aborted", "canceled": "aborted", "skipped": "aborted",
}  # fmt: skip
RESOLVED = {"resolved", "resolve", "ok", "closed", "normal"}
SILENT = {"acknowledged", "acknowledge", "suppressed", "pending", "maintenance"}  # somebody else's bookkeeping
SEVERITY = {"critical": "critical", "error": "high", "high": "high", "page": "critical", "info": "info", "low": "low"}
ASSET_LABELS = ("asset", "table", "dataset", "model", "job", "job_name")


def parse(payload: Json, config: Mapping[str, Any]) -> tuple[RunReport | Alert, ...]:
    """A run when the body has `run`, otherwise one alert for each that it holds; none when nothing is understood."""
    own = text(config.get("namespace"), 300)
    if mapping(payload.get("run")).get("id"):
        return (_run(payload, own),)
    if isinstance(payload.get("alerts"), list):
        return tuple(alert for entry in map(mapping, payload["alerts"]) for alert in _alertmanager(entry, own))
    if "event_action" in payload:
        return _pagerduty(payload, own)
    return _alert(payload, own)


def fingerprint(payload: Json) -> str:
    """Of the whole body: a retry sends the same bytes, a new occurrence another time."""
    return sha256(["generic", payload])


def _run(payload: Json, own: str) -> RunReport:
    run = mapping(payload["run"])
    job = _ref(run.get("job"), own) or AssetRef(own, text(payload.get("name"), 300) or "job")
    asset = _ref(payload.get("asset"), own)
    outputs = [ref for ref in (_ref(value, own) for value in rows(run.get("outputs"))) if ref]
    status = text(run.get("status") or payload.get("status")).lower()
    ended = moment(run.get("finished_at")) or moment(payload.get("lastReceived"))
    return RunReport(
        external_id=text(run["id"], 300),
        job=job,
        status=RUN_STATUS.get(status, "failed"),
        environment=environment(payload.get("environment")),
        started_at=moment(run.get("started_at")),
        finished_at=None if RUN_STATUS.get(status) == "running" else ended,
        error=text(payload.get("message")),
        log=text(payload.get("log"), LOG_LIMIT * 2)[-LOG_LIMIT:],
        inputs=tuple(ref for ref in (_ref(value, own) for value in rows(run.get("inputs"))) if ref),
        outputs=tuple(dict.fromkeys([*([asset] if asset else []), *outputs])),
        facts=(AssetFact(job, "job", owner=_owner(payload)),),
        commit=text(run.get("commit"), 64),
        parameters=mapping(run.get("parameters")),
        next_load_at=moment(run.get("next_load_at")),
    )


def _alert(payload: Json, own: str) -> tuple[Alert, ...]:
    name, status = text(payload.get("name"), 300), text(payload.get("status")).lower()
    labels = mapping(payload.get("labels"))
    asset = _ref(payload.get("asset"), own) or _labelled(labels, own) or _ref(payload.get("service"), own)
    if not (name or text(payload.get("message"))) or not asset or status in SILENT:
        return ()
    message = text(payload.get("message")) or text(payload.get("description"))
    return (
        Alert(
            fingerprint=text(payload.get("fingerprint"), 255) or sha256([name, asset.uri]),
            asset=asset,
            title=_title(asset, name, message),
            severity=_severity(payload.get("severity")),
            status="resolved" if status in RESOLVED else "firing",
            message=message,
            check=name,
            environment=environment(payload.get("environment")),
            detail={"url": text(payload.get("url"), 500), "labels": labels, "log": text(payload.get("log"), LOG_LIMIT)},
        ),
    )


def _alertmanager(entry: Json, own: str) -> tuple[Alert, ...]:
    labels, notes = mapping(entry.get("labels")), mapping(entry.get("annotations"))
    name = text(labels.get("alertname"), 300) or "alert"
    asset = _labelled(labels, own) or AssetRef(own, name)
    message = text(notes.get("summary")) or text(notes.get("description"))
    return (
        Alert(
            fingerprint=text(entry.get("fingerprint"), 255) or sha256(labels),
            asset=asset,
            title=_title(asset, name, message),
            severity=_severity(labels.get("severity")),
            status="resolved" if text(entry.get("status")).lower() in RESOLVED else "firing",
            message=message,
            check=name,
            environment=environment(labels.get("environment") or labels.get("env")),
            detail={"labels": labels},
        ),
    )


def _pagerduty(payload: Json, own: str) -> tuple[Alert, ...]:
    inner, action = mapping(payload.get("payload")), text(payload["event_action"]).lower()
    details = mapping(inner.get("custom_details"))
    source = text(inner.get("component"), 300) or text(inner.get("source"), 300)
    key, summary = text(payload.get("dedup_key"), 255), text(inner.get("summary"))
    asset = _labelled(details, own) or AssetRef(own, source or key or "unknown")
    if action in SILENT or not (key or summary):
        return ()
    return (
        Alert(
            fingerprint=key or sha256([summary, asset.uri]),
            asset=asset,
            title=_title(asset, key, summary),
            severity=_severity(inner.get("severity")),
            status="resolved" if action in RESOLVED else "firing",
            message=summary,
            check=text(inner.get("class"), 200) or key,
            environment=environment(details.get("environment")),
            detail={"labels": details},
        ),
    )


def _ref(value: Any, own: str) -> AssetRef | None:
    """`{"namespace", "name"}`, or a bare name in the connection's own namespace."""
    if isinstance(value, dict):
        name = text(value.get("name"), 300)
        return AssetRef(text(value.get("namespace"), 300) or own, name) if name else None
    name = text(value, 300)
    return AssetRef(own, name) if name else None


def _labelled(labels: Json, own: str) -> AssetRef | None:
    return next((_ref(labels[label], own) for label in ASSET_LABELS if text(labels.get(label))), None)


def _title(asset: AssetRef, name: str, message: str) -> str:
    said = message.splitlines()[0] if message.strip() else name
    return (said if asset.name.lower() in said.lower() else f"{asset.name}: {said}")[:300]


def _severity(value: Any) -> str:
    return SEVERITY.get(text(value).lower(), "warning")


def _owner(payload: Json) -> Json:
    owner = payload.get("owner")
    if isinstance(owner, dict):
        return {key: text(owner.get(key), 200) for key in ("name", "email", "slack") if text(owner.get(key))}
    return {"email": text(owner, 200)} if text(owner) else {}
