"""Pods and jobs of a cluster that wants its key in a header of its own; and one effect for each key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from integrations.demo import cluster
from integrations.effects import RunRequest
from integrations.errors import PermissionDenied, Refused, SecretUnavailable, Unreachable, Unsupported
from integrations.kubernetes import objects
from integrations.kubernetes.connector import Connector
from integrations.ports import Wiring
from integrations.values import AssetRef

KEY = "lena-s-own-key-9f2c"
JOB = AssetRef("k8s://shop", "ledger")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    cluster.create(tmp_path / "cluster.json", KEY)
    return tmp_path / "cluster.json"


@pytest.fixture
def wiring(tmp_path: Path, state: Path) -> Iterator[Wiring]:
    service = cluster.server(0, state)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    config = {
        "namespace": "k8s://shop", "url": f"http://127.0.0.1:{service.server_address[1]}", "within": cluster.NAMESPACE,
    }  # fmt: skip
    yield Wiring("cluster", config, lambda name: KEY, lambda name: None, tmp_path, (cluster.HEADER, "key"))
    service.shutdown()
    service.server_close()


def request(key: str = "inc-1", *clear: str) -> RunRequest:
    return RunRequest(key, "production", jobs=(JOB,), parameters={"run_date": "2026-11-20"}, clear=clear, timeout_s=8)


def stuck(connector: Connector) -> str:
    return next(pod.uid for pod in connector.workload("ledger").pods if pod.is_stuck)


def test_the_state_of_a_jobs_pods_and_the_log_of_the_last_are_read(wiring: Wiring, state: Path) -> None:
    name = cluster.strand(state, "ledger")
    found = Connector(wiring).workload("ledger")
    (pod,) = found.pods
    assert (pod.name, pod.reason, pod.is_stuck, pod.node) == (name, "NodeLost", True, cluster.LOST)
    assert "412 entries read, posting" in found.log
    assert Connector(wiring).test().ok


def test_a_bearer_token_is_refused_and_so_is_a_wrong_key(wiring: Wiring, state: Path) -> None:
    cluster.strand(state, "ledger")
    for other in (replace(wiring, header=None), replace(wiring, secret=lambda name: "guessed")):
        with pytest.raises(PermissionDenied, match="401"):
            Connector(other).workload("ledger")
        health = Connector(other).test()
        assert not health.ok and "under another header" in health.hint


def test_a_job_runs_again_once_for_each_key(wiring: Wiring, state: Path) -> None:
    cluster.strand(state, "ledger")
    connector = Connector(wiring)
    assert connector.lookup("inc-1") is None
    first = connector.run(request("inc-1", stuck(connector)))
    assert first.ok and first.report.job == JOB
    assert "412 entries posted" in first.report.log
    assert connector.run(request("inc-1")) == connector.lookup("inc-1") == first
    assert len(cluster.ledger(state)) == 1
    assert connector.run(request("inc-2")).ok
    assert len(cluster.ledger(state)) == 2


def test_only_the_very_pod_that_was_named_is_deleted(wiring: Wiring, state: Path) -> None:
    cluster.strand(state, "ledger")
    connector = Connector(wiring)
    with pytest.raises(Unreachable, match="still going on"):
        connector.run(replace(request("inc-1", "another-uid"), timeout_s=2))
    assert stuck(connector)
    assert cluster.ledger(state) == []


def test_a_crash_between_delete_and_create_is_made_up_for(wiring: Wiring, state: Path) -> None:
    cluster.strand(state, "ledger")
    connector = Connector(wiring)
    uid = stuck(connector)
    with cluster.changed(state) as kept:
        kept["pods"].clear()
    assert connector.run(request("inc-1", uid)).ok
    assert len(cluster.ledger(state)) == 1


def test_the_key_is_covered_where_a_log_repeats_it(wiring: Wiring, state: Path) -> None:
    name = cluster.strand(state, "ledger")
    with cluster.changed(state) as kept:
        kept["logs"][name] = f"sent {cluster.HEADER}: {KEY}\n"
    assert Connector(wiring).workload("ledger").log == f"sent {cluster.HEADER}: •••\n"


def test_what_is_not_there_and_what_cannot_be_done_is_said(wiring: Wiring) -> None:
    with pytest.raises(Refused, match="not found"):
        Connector(wiring).workload("nothing")
    with pytest.raises(Unsupported):
        Connector(wiring).run(replace(request(), environment="staging"))
    with pytest.raises(SecretUnavailable, match="header"):
        Connector(replace(wiring, secret=lambda name: "two\nlines")).workload("ledger")
    gone = replace(wiring, config={**wiring.config, "url": "http://127.0.0.1:9"})
    with pytest.raises(Unreachable):
        Connector(gone).workload("ledger")


@pytest.mark.parametrize(
    ("status", "is_stuck", "reason"),
    [
        ({"phase": "Running"}, False, ""),
        ({"phase": "Succeeded"}, False, ""),
        ({"phase": "Failed", "reason": "Evicted"}, False, "Evicted"),
        ({"phase": "Running", "reason": "NodeLost"}, True, "NodeLost"),
        ({"phase": "Unknown"}, True, ""),
        ({"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}, False,
         "ImagePullBackOff"),
        ({"phase": 7, "containerStatuses": "x"}, True, ""),
    ],
)  # fmt: skip
def test_a_pod_is_stuck_when_it_does_not_end_by_itself(status: object, is_stuck: bool, reason: str) -> None:
    pod = objects.pod({"metadata": {"name": "a", "uid": "1"}, "status": status})
    assert (pod.is_stuck, pod.reason) == (is_stuck, reason)
