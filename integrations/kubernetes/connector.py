"""Kubernetes: reads the state and the log of a job's pods, and runs a job again, once for each key."""

from __future__ import annotations

import time
from collections.abc import Mapping

from integrations.effects import Receipt, RunOutcome, RunRequest
from integrations.errors import IntegrationError, PermissionDenied, Refused, Unreachable, Unsupported
from integrations.kubernetes import objects
from integrations.kubernetes.client import Client, Missing, Taken
from integrations.ports import Wiring
from integrations.untrusted import mapping, rows, text
from integrations.values import AssetRef, Health, Json, NodeResult, Pod, RunReport, Workload

TAIL = 400  # lines of a log
LOG_BYTES = 262_144
POLL_S = 0.5
JOB_LABEL = "job-name"
LET_IN = "Is the key right? Where it belongs under another header than Authorization, write that in a note."


class Connector:
    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.namespace = str(wiring.config["namespace"])

    def test(self) -> Health:
        try:
            client = Client(self.wiring)
            client.get(client.batch("jobs"), limit="1")
        except IntegrationError as error:
            hint = LET_IN if isinstance(error, PermissionDenied) else "Check the address and the namespace."
            return Health(False, str(error), hint)
        return Health(True, f"The cluster at {client.host} answers for the namespace {client.within}.")

    def workload(self, job: str) -> Workload:
        """Raises PermissionDenied, Unreachable; Refused where there is no such job."""
        client = Client(self.wiring)
        found = client.get(client.batch("jobs", job))
        pods = self._pods(client, job)
        return Workload(job, objects.state(found), tuple(pods), self._log(client, pods))

    def parameters(self) -> Mapping[str, Json]:
        return {}

    def run(self, request: RunRequest) -> RunOutcome:
        """Delete those of `clear` that are stuck still, run the job again under a name made of the key, and wait."""
        if request.environment == "staging":
            raise Unsupported("A job of a cluster has no branch to write to, so it is not rehearsed.")
        if len(request.jobs) != 1:
            raise Refused("One job of a cluster is run at a time.")
        client = Client(self.wiring)
        if self._made(client, request.key) is None:
            self._make(client, request)
        return self._wait(client, request)

    def lookup(self, key: str) -> RunOutcome | None:
        client = Client(self.wiring)
        made = self._made(client, key)
        return None if made is None or objects.state(made) == "active" else self._outcome(client, made, key)

    def revert(self, receipt: Receipt, *, key: str) -> Receipt:
        raise Unsupported("What a job of a cluster did cannot be taken back from here.")

    # --- private ---------------------------------------------------------------------------------------------

    def _pods(self, client: Client, job: str) -> list[Pod]:
        found = client.get(client.core("pods"), labelSelector=f"{JOB_LABEL}={job}")
        return [objects.pod(one) for one in map(mapping, rows(found.get("items")))]

    def _log(self, client: Client, pods: list[Pod]) -> str:
        """Of the last pod; empty where the cluster has none, because its machine is gone."""
        if not pods:
            return ""
        try:
            path = client.core("pods", pods[-1].name, "log")
            return client.text(path, tailLines=str(TAIL), limitBytes=str(LOG_BYTES))
        except (Missing, Unreachable):
            return ""

    def _made(self, client: Client, key: str) -> Json | None:
        found = client.get(client.batch("jobs"), labelSelector=f"{objects.KEY}={objects.label(key)}")
        return next(map(mapping, rows(found.get("items"))), None)

    def _make(self, client: Client, request: RunRequest) -> None:
        name = request.jobs[0].name
        job = client.get(client.batch("jobs", name))
        for pod in self._pods(client, name):
            if pod.is_stuck and pod.uid in request.clear:
                self._delete(client, pod)
        try:
            client.post(client.batch("jobs"), objects.repeated(job, request.key, request.parameters, request.timeout_s))
        except Taken:
            return  # an earlier try was heard after all

    def _delete(self, client: Client, pod: Pod) -> None:
        """This very pod and no later one of its name; at once, because its machine does not answer any more."""
        try:
            body = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod.uid}}
            client.delete(client.core("pods", pod.name), body)
        except (Missing, Taken):
            return  # it is gone, or another one took its place

    def _wait(self, client: Client, request: RunRequest) -> RunOutcome:
        end = time.monotonic() + request.timeout_s
        while True:
            made = self._made(client, request.key)
            if made is not None and objects.state(made) != "active":
                return self._outcome(client, made, request.key)
            if time.monotonic() > end:
                raise Unreachable("The job is still going on.", retry_after_s=5.0)
            time.sleep(POLL_S)

    def _outcome(self, client: Client, made: Json, key: str) -> RunOutcome:
        meta = mapping(made.get("metadata"))
        job = AssetRef(self.namespace, text(mapping(meta.get("annotations")).get(objects.OF), 253))
        ok, log = objects.state(made) == "succeeded", self._log(client, self._pods(client, text(meta.get("name"), 253)))
        status, error = ("success", "") if ok else ("failed", objects.why(made))
        begun, ended = objects.times(made)
        result = NodeResult(job, status, job.name, "job", error)
        report = RunReport(
            key, job, status, started_at=begun, finished_at=ended, error=error, log=log, results=(result,)
        )
        return RunOutcome(key, ok, report)
