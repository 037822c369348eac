"""A stand-in of a cluster: the part of the Kubernetes API that is needed, on loopback, for whoever has its odd header.

`python -m integrations.demo.cluster --port 8124 --state cluster.json`. Jobs and pods are objects as the API has them,
kept in the state file; a pod that may run does its work, one line in the ledger beside it. Anything without the key in
`X-Shop-Cluster-Key` is refused, a bearer token too.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from integrations.demo.serving import serve

Json = dict[str, Any]

HEADER = "X-Shop-Cluster-Key"
TAKES = timedelta(seconds=1)  # of a pod's work
NAMESPACE, SPACE = "finance", "k8s://shop"  # its own, and that of its jobs as assets
LOST = "worker-3"


@contextmanager
def changed(path: Path) -> Iterator[Json]:
    """The state, for this process alone; kept afterwards."""
    with path.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = json.loads(path.read_text())
        yield state
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(state))
        draft.replace(path)


def create(path: Path, key: str) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps({"key": key, "jobs": {}, "pods": {}, "logs": {}}))


def clear(path: Path) -> None:
    """Nothing runs there any more, and nothing is stuck."""
    with changed(path) as state:
        state.update(jobs={}, pods={}, logs={})


def strand(path: Path, job: str) -> str:
    """`job` was started, and the machine of its pod is gone; returns the pod's name."""
    now = _now()
    with changed(path) as state:
        state["jobs"][job] = _job(job, {}, {"spec": {"containers": [{"name": "main", "image": "shop/ledger:7"}]}}, now)
        name = f"{job}-{uuid.uuid4().hex[:5]}"
        lost = {"phase": "Running", "reason": "NodeLost",
                "message": f"Node {LOST} which was running pod {name} is unresponsive"}  # fmt: skip
        state["pods"][name] = _pod(name, job, now, node=LOST, status=lost, deletionTimestamp=now)
        state["logs"][name] = f"{now} reading the entries of the day\n{now} 412 entries read, posting\n"
    return name


def ledger(path: Path) -> list[Json]:
    """What pods really did, in their order."""
    file = path.with_name("ledger.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _job(name: str, labels: Json, template: Json, now: str, **meta: Any) -> Json:
    return {"metadata": {"name": name, "uid": str(uuid.uuid4()), "labels": labels, **meta},
            "spec": {"template": template}, "status": {"active": 1, "startTime": now}}  # fmt: skip


def _pod(name: str, job: str, now: str, *, node: str = "", status: Json | None = None, **meta: Any) -> Json:
    own = {"name": name, "uid": str(uuid.uuid4()), "labels": {"job-name": job}, "creationTimestamp": now, **meta}
    return {"metadata": own, "spec": {"nodeName": node}, "status": status or {"phase": "Pending"}}


def _go_on(path: Path, state: Json) -> None:
    """What the cluster does by itself: a pod whose volume is free runs to its end, and its job is complete."""
    stuck = [one for one in state["pods"].values() if "deletionTimestamp" in one["metadata"]]
    for name, pod in state["pods"].items():
        began = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
        if pod["status"]["phase"] != "Pending" or datetime.now(UTC) < began + TAKES:
            continue
        if stuck:
            said = f'Multi-Attach error for volume "ledger": in use by {stuck[0]["metadata"]["name"]}'
            pod["status"]["containerStatuses"] = [
                {"state": {"waiting": {"reason": "ContainerCreating", "message": said}}}
            ]
            continue
        job = state["jobs"][pod["metadata"]["labels"]["job-name"]]
        with path.with_name("ledger.jsonl").open("a") as out:
            out.write(json.dumps({"job": job["metadata"]["name"], "pod": name, "at": _now()}) + "\n")
        pod["status"] = {"phase": "Succeeded"}
        state["logs"][name] = f"{_now()} 412 entries posted\n"
        complete = {"type": "Complete", "status": "True", "lastTransitionTime": _now()}
        job["status"] |= {"active": 0, "succeeded": 1, "completionTime": _now(), "conditions": [complete]}


class Api(BaseHTTPRequestHandler):
    """Core v1 pods and batch v1 jobs of one namespace."""

    def __init__(self, *args: object, path: Path, **options: object) -> None:
        self.file = path
        super().__init__(*args, **options)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        with changed(self.file) as state:
            if not hmac.compare_digest(self.headers.get(HEADER, "").encode(), state["key"].encode()):
                return self._status(401, "Unauthorized")
            _go_on(self.file, state)
            place, query = urlsplit(self.path), dict(parse_qsl(urlsplit(self.path).query))
            parts = [unquote(part) for part in place.path.split("/")]
            if parts[:5] == ["", "apis", "batch", "v1", "namespaces"] and parts[6:7] == ["jobs"]:
                return self._jobs(state, parts[7:], query, body)
            if parts[:4] == ["", "api", "v1", "namespaces"] and parts[5:6] == ["pods"]:
                return self._pods(state, parts[6:], query, body)
            self._status(404, "the server could not find the requested resource")

    def _jobs(self, state: Json, rest: list[str], query: Json, body: Json) -> None:
        if self.command == "POST":
            name, meta = body["metadata"]["name"], body["metadata"]
            if name in state["jobs"]:
                return self._status(409, f'jobs.batch "{name}" already exists')
            made = _job(name, meta.get("labels", {}), body["spec"]["template"], _now(),
                        annotations=meta.get("annotations", {}))  # fmt: skip
            pod = f"{name}-{uuid.uuid4().hex[:5]}"
            state["jobs"][name], state["pods"][pod] = made, _pod(pod, name, _now())
            return self._answer(201, made)
        self._found(state["jobs"], "jobs.batch", rest, query)

    def _pods(self, state: Json, rest: list[str], query: Json, body: Json) -> None:
        if rest[1:] == ["log"] and rest[0] in state["pods"]:
            return self._answer(200, state["logs"].get(rest[0], ""))
        if self.command == "DELETE" and rest and rest[0] in state["pods"]:
            wanted = body.get("preconditions", {}).get("uid")
            if wanted and wanted != state["pods"][rest[0]]["metadata"]["uid"]:
                return self._status(409, "the UID in the precondition does not match the UID in record")
            return self._answer(200, state["pods"].pop(rest[0]))
        self._found(state["pods"], "pods", rest, query)

    def _found(self, known: Json, kind: str, rest: list[str], query: Json) -> None:
        if rest:
            found = known.get(rest[0])
            return self._answer(200, found) if found else self._status(404, f'{kind} "{rest[0]}" not found')
        label, _, value = query.get("labelSelector", "").partition("=")
        self._answer(200, {"items": [
            one for one in known.values() if not label or one["metadata"]["labels"].get(label) == value
        ]})  # fmt: skip

    def _status(self, code: int, message: str) -> None:
        self._answer(
            code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
        )

    def _answer(self, code: int, body: Json | str) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the launcher's terminal belongs to its own lines."""


def server(port: int, state: Path) -> ThreadingHTTPServer:
    """A server bound to loopback; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(Api, path=state))


if __name__ == "__main__":
    serve("cluster", server, sys.argv[1:])
