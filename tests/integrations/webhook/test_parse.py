"""Our plain shape, and what Keep, Alertmanager and PagerDuty send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integrations.values import Alert, AssetRef, RunReport
from integrations.webhook.parse import fingerprint, parse

PAYLOADS = Path(__file__).parent / "payloads"
CONFIG = {"namespace": "jobs://own"}


def payload(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    return loaded


def test_a_keep_alert_keeps_its_fingerprint_and_finds_its_table() -> None:
    (alert,) = parse(payload("keep"), CONFIG)
    assert isinstance(alert, Alert)
    assert (alert.fingerprint, alert.severity, alert.status) == ("c0ffee", "high", "firing")
    assert alert.asset == AssetRef("jobs://own", "us_forecast_dec_v1")
    assert alert.title == "us_forecast_dec_v1: 0 rows, usual 1200-1400"


def test_alertmanager_is_one_alert_per_entry() -> None:
    firing, resolved = parse(payload("alertmanager"), CONFIG)
    assert isinstance(firing, Alert) and isinstance(resolved, Alert)
    assert (firing.status, firing.fingerprint, firing.asset.name) == ("firing", "ab12", "orders")
    assert (resolved.status, resolved.fingerprint) == ("resolved", "cd34")


def test_pagerduty_triggers_and_resolves_and_an_acknowledgement_says_nothing() -> None:
    event = payload("pagerduty")
    (alert,) = parse(event, CONFIG)
    assert isinstance(alert, Alert)
    assert (alert.fingerprint, alert.severity, alert.title) == ("orders-stale", "high", "monitor: orders is stale")
    (resolved,) = parse(event | {"event_action": "resolve"}, CONFIG)
    assert isinstance(resolved, Alert) and resolved.status == "resolved"
    assert parse(event | {"event_action": "acknowledge"}, CONFIG) == ()


def test_a_run_in_the_plain_shape_is_a_run() -> None:
    (report,) = parse(payload("run"), CONFIG)
    assert isinstance(report, RunReport)
    assert (report.external_id, report.status, report.job.name) == ("r-17", "failed", "load_orders")
    assert report.outputs == (AssetRef("iceberg://lake", "raw.orders"),)
    assert (report.error, report.log) == ("HTTP Error 503", "line 1\nline 2")
    assert report.started_at is not None and report.next_load_at is not None


@pytest.mark.parametrize(
    ("sent", "read"), [("prod", "production"), ("", "production"), ("staging-eu", "staging"), ("dev_2", "staging")]
)
def test_environments_by_other_names(sent: str, read: str) -> None:
    (alert,) = parse(payload("keep") | {"environment": sent}, CONFIG)
    assert alert.environment == read


@pytest.mark.parametrize(
    "hostile", [{"run": 1, "name": []}, {"alerts": [1, {}]}, {"event_action": {}}, {"asset": {"name": {}}}, {}]
)
def test_wrong_types_never_raise(hostile: dict[str, Any]) -> None:
    parse(hostile, CONFIG)
    assert len(fingerprint(hostile)) == 64
