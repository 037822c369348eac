"""Run the affected part of the production pipeline again, and tell the incidents what came of it."""

from __future__ import annotations

import time
from typing import Any

from app.core.failpoints import failpoint
from approvals.affected import ref_of
from approvals.kill_switch import require_off
from approvals.steps.work import Done, Job, connected, plain
from incidents.collect import receive
from integrations.effects import Receipt, RunOutcome, RunRequest
from integrations.errors import Unreachable
from integrations.models import Connection
from integrations.ports import PipelineRunner
from integrations.values import AssetRef, Json, as_json

LIMIT_S = 540  # of all attempts together, below the hard limit of a task (app/celery.py)
ATTEMPTS = 3  # at most, whatever the plan asks for
WAIT_S = 5.0  # seconds before the second attempt, doubled for the third
PATIENCE_S = 120.0  # seconds of waiting for a run that outlived its worker; then the sweep asks again
OUTPUT = 20_000  # characters of the tool's own words that a step keeps


class Rerun:
    def lookup(self, job: Job) -> Done | None:
        """The last attempt that came to an end, unless another one is due."""
        runner: PipelineRunner = connected(job.step.connection, job.step.params.get("header"))
        for attempt in range(_attempts(job), 0, -1):
            outcome = runner.lookup(_key(job, attempt))
            if outcome and (outcome.ok or attempt == _attempts(job)):
                return _told(job, outcome)
        return None

    def act(self, job: Job) -> Done:
        runner: PipelineRunner = connected(job.step.connection, job.step.params.get("header"))
        end = time.monotonic() + min(job.plan.caps.seconds, LIMIT_S)
        outcome = _attempt(runner, job, 1, end)
        for attempt in range(2, _attempts(job) + 1):
            wait_s = WAIT_S * 2 ** (attempt - 2)
            if outcome.ok or time.monotonic() + wait_s >= end:
                break
            time.sleep(wait_s)
            outcome = _attempt(runner, job, attempt, end)
        return _told(job, outcome)

    def undo(self, job: Job, receipt: Json) -> Done | None:
        if not receipt.get("receipt"):
            return None
        runner: PipelineRunner = connected(job.step.connection, job.step.params.get("header"))
        job.recheck()
        failpoint("before_undo")
        taken_back = runner.revert(Receipt(**receipt["receipt"]), key=job.key)
        failpoint("undone_unrecorded")
        return Done({"receipt": plain(as_json(taken_back))}, output="Put back what the run overwrote.")


def _attempt(runner: PipelineRunner, job: Job, attempt: int, end: float) -> RunOutcome:
    key = _key(job, attempt)
    if outcome := runner.lookup(key):
        return outcome
    job.recheck()
    failpoint("before_rerun")
    require_off(job.plan)  # the press may have come since
    outcome = _ran(runner, job, key, end)
    failpoint("rerun_unrecorded")
    return outcome


def _ran(runner: PipelineRunner, job: Job, key: str, end: float) -> RunOutcome:
    """A run whose worker was killed may still go on by itself: it is waited for, not started beside."""
    patience = min(end, time.monotonic() + PATIENCE_S)
    while True:
        try:
            return runner.run(_request(job, key, max(1, int(end - time.monotonic()))))
        except Unreachable as error:
            wait_s = error.retry_after_s or WAIT_S
            if time.monotonic() + wait_s > patience:
                raise
            time.sleep(wait_s)
            job.recheck()


def _told(job: Job, outcome: RunOutcome) -> Done:
    """Our own run enters the history by the same door as everybody's; told twice it counts once."""
    connection = Connection.objects.get(name=job.step.connection)
    receive(connection, "run", plain(as_json(outcome.report)))
    words = outcome.report.error or outcome.report.log
    return Done(_kept(outcome), ok=outcome.ok, output=words[-OUTPUT:])


def _kept(outcome: RunOutcome) -> Json:
    report = {**as_json(outcome.report), "log": "", "facts": []}
    receipt = as_json(outcome.receipt) if outcome.receipt else None
    kept: Json = plain({"ok": outcome.ok, "key": outcome.key, "report": report, "receipt": receipt})
    return kept


def _request(job: Job, key: str, timeout_s: int) -> RunRequest:
    params = job.step.params
    return RunRequest(
        key=key,
        environment="production",
        jobs=_names(params.get("jobs", [])),
        select=_names(params.get("select", [])),
        parameters={name: str(value) for name, value in params.get("parameters", {}).items()},
        clear=tuple(map(str, params.get("clear", []))),
        timeout_s=timeout_s,
    )


def _names(values: list[Any]) -> tuple[AssetRef, ...]:
    return tuple(AssetRef(**value) if isinstance(value, dict) else ref_of(str(value)) for value in values)


def _attempts(job: Job) -> int:
    return max(1, min(ATTEMPTS, int(job.step.params.get("attempts") or 1)))


def _key(job: Job, attempt: int) -> str:
    return job.key if attempt == 1 else f"{job.key}-a{attempt}"
