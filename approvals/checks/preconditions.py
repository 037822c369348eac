"""What a run without rehearsal can be checked for before it is signed: it is still wanted, and can still be started."""

from __future__ import annotations

from approvals.base import RUN, moved
from approvals.checks.finding import Bench, Finding, State
from approvals.steps.work import connected
from integrations.errors import IntegrationError
from integrations.ports import Testable
from integrations.values import Json


def preconditions(bench: Bench) -> Finding:
    if RUN not in bench.proposal.base:
        return Finding("preconditions", "Preconditions", "skipped", "the branch shows it", section=[])
    headers = {step.connection: step.params.get("header") for step in bench.plan.on("production") if step.connection}
    runners = sorted(headers)
    lines = ["The failed run is still the last one of its job."]
    bad = [f"{what.capitalize()} is not what it was." for what in moved(bench.proposal)]
    for name in runners:
        problem = _unready(name, headers[name])
        (bad if problem else lines).append(problem or f"{name} can be reached and knows its work.")
    if bench.plan.window:
        lines.append(f"It starts between {bench.plan.window.not_before} and {bench.plan.window.not_after}.")
    state: State = "bad" if bad else "ok"
    return Finding("preconditions", "Ready to run", state, f"{len(runners)} reached", " ".join(bad), [*bad, *lines])


def _unready(name: str, header: Json | None) -> str:
    try:
        runner = connected(name, header)
        health = runner.test() if isinstance(runner, Testable) else None
    except IntegrationError as error:
        return f"{name} is not ready: {error}"
    return f"{name} is not ready: {health.message}" if health and not health.ok else ""
