"""Rehearse a proposal: branch, change, run the affected part on the branches."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import transaction

from app.core.audit import WORKER
from app.core.errors import LostRace
from app.core.lease import MAX_ATTEMPTS, holds, lease
from app.core.lifecycle import LIVE, advance
from app.core.tasks import ring_after_commit
from approvals.base import refs
from approvals.grounds import base_of
from approvals.models import Proposal
from approvals.plan import Plan, Step
from approvals.remedies.rerun_with_parameters import TRIES, larger
from integrations import connections
from integrations.effects import (
    ApplyPatch,
    Branch,
    Change,
    DedupeRows,
    QuarantineRows,
    RevertCommit,
    RunOutcome,
    RunRequest,
)
from integrations.errors import BaseMoved, IntegrationError, Refused
from integrations.models import Connection
from integrations.values import AssetRef, Json, Predicate, as_json

TAIL = 20_000  # characters of a rehearsal's log that are kept
_TOO_SMALL = re.compile(r"out of memory|memory limit|memory_limit|oom|failed to allocate", re.IGNORECASE)


@dataclass
class Rehearsal:
    """What staging has so far; saved as a whole."""

    plan: Plan
    key: str
    base: Json
    branches: dict[str, Branch]
    runs: list[Json]

    @property
    def ok(self) -> bool:
        return all(run["ok"] for run in self.runs)

    def as_json(self) -> Json:
        versions = {uri: version for run in self.runs for uri, version in run["versions"].items()}
        seconds = sum(run["seconds"] for run in self.runs)
        return {"ok": self.ok, "runs": self.runs, "versions": versions, "seconds": seconds}


def stage(proposal: Proposal) -> None:
    """Bring a drafted proposal to `verifying`, over its branches when it is rehearsed on some.

    A run that fails on staging is a result, and red in the report; an engine that refuses fails the proposal. Done
    again after a crash it uses the branches that are there. Raises LostRace when another worker is at it.
    """
    if proposal.status == "drafted":
        advance(proposal, "staging" if proposal.rehearsal == "branch" else "verifying", actor=WORKER, source="worker")
    if proposal.status != "staging":
        return
    with lease(proposal, "staging") as epoch:
        try:
            if proposal.attempts > MAX_ATTEMPTS:
                raise Refused(f"Staging was taken up {MAX_ATTEMPTS} times and never came to an end.")
            _save(proposal, _rehearse(proposal, epoch), epoch)
        except BaseMoved as error:
            supersede(proposal, str(error))
        except IntegrationError as error:
            if not error.permanent and proposal.attempts < MAX_ATTEMPTS:
                raise
            fail(proposal, f"It could not be staged: {error}")


def fail(proposal: Proposal, reason: str) -> None:
    """An engine refused: the proposal ends, and people are told why."""
    with transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(status_reason=reason)
        advance(proposal, "failed", actor=WORKER, source="worker", reason=reason)
        if proposal.incident.status == "proposing":
            advance(proposal.incident, "escalated", actor=WORKER, source="worker", reason=reason)


def supersede(proposal: Proposal, reason: str) -> None:
    """Production moved while it was rehearsed: the next proposal is planned on what is there now."""
    with transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(status_reason=reason)
        advance(proposal, "superseded", actor=WORKER, source="worker", reason=reason)
        ring_after_commit("approvals.tasks.propose", proposal.incident_id)


def change_of(params: Json) -> Change:
    """The change that a step's parameters describe. Raises Refused for any other kind."""
    kind = params["kind"]
    if kind == "quarantine_rows":
        conditions = tuple((column, operator, value) for column, operator, value in params["predicate"]["conditions"])
        return QuarantineRows(AssetRef(**params["asset"]), Predicate(conditions), params["hold"])
    if kind == "dedupe_rows":
        return DedupeRows(AssetRef(**params["asset"]), tuple(params["key"]), tuple(params["ignore"]))
    if kind == "apply_patch":
        return ApplyPatch(params["diff"], params["message"])
    if kind == "revert_commit":
        return RevertCommit(params["sha"], params["message"])
    raise Refused(f"{kind!r} is no change that can be made.")


def branch_name(proposal: Proposal) -> str:
    return f"inc-{proposal.incident.number}-{proposal.number}"


def _rehearse(proposal: Proposal, epoch: int) -> Rehearsal:
    plan = Plan.from_json(proposal.plan)
    _let_go(proposal)
    made = Rehearsal(plan, f"stage-{proposal.pk}-{epoch}", base_of(plan, proposal.incident), {}, [])
    for step in plan.on("staging"):
        provider = connections.connector(Connection.objects.get(name=step.connection, enabled=True))
        if step.kind == "fork":
            made.branches[step.connection] = provider.fork(branch_name(proposal), refs(step.params["assets"]))
        elif step.kind == "change":
            made.branches[step.connection] = provider.apply(made.branches[step.connection], change_of(step.params))
        elif made.ok:
            _run(made, provider, step)
    return made


def _let_go(proposal: Proposal) -> None:
    """Branches of earlier proposals that were never carried out, because what they hold is in the way."""
    dead = proposal.incident.proposals.exclude(pk=proposal.pk).exclude(status__in=LIVE).filter(executions=None)
    for earlier in dead.exclude(branches=[]):
        for branch in earlier.branches:
            connections.connector(Connection.objects.get(name=branch["connection"])).drop(Branch(**branch))


def _run(made: Rehearsal, runner: object, step: Step) -> None:
    """Run one part; where a limit was too small, the next size, at most TRIES in all."""
    for tried in range(1, TRIES + 1):
        outcome = _attempt(made, runner, step, tried)
        made.runs.append(_kept(step, outcome))
        following = None
        if not outcome.ok and _TOO_SMALL.search(f"{outcome.report.error} {outcome.report.log[-TAIL:]}"):
            following = larger(made.plan, runner.parameters(), tried)  # type: ignore[attr-defined]
        if following is None:
            return
        made.plan = following
        step = next(new for new in following.on("staging") if new.kind == "run" and new.connection == step.connection)
        made.runs.pop()


def _attempt(made: Rehearsal, runner: object, step: Step, tried: int) -> RunOutcome:
    request = RunRequest(
        key=f"{made.key}-{len(made.runs)}-{tried}",
        environment="staging",
        jobs=refs(step.params["jobs"]),
        select=refs(step.params["select"]),
        commit=_commit(made, step),
        pins=_pins(made),
        parameters={name: str(value) for name, value in step.params["parameters"].items()},
        timeout_s=made.plan.caps.seconds // 2,
    )
    outcome: RunOutcome = runner.run(request)  # type: ignore[attr-defined]
    return outcome


def _commit(made: Rehearsal, step: Step) -> str:
    code = Connection.objects.get(name=step.connection).config.get("git", "")
    if code in made.branches:
        return made.branches[code].head["commit"]
    return str(made.base.get(code, {}).get("commit", ""))


def _pins(made: Rehearsal) -> dict[str, str]:
    """The data that the rehearsal reads: the branch where there is one, else production as it was when it began."""
    pins = {uri: version for versions in made.base.values() for uri, version in versions.items() if "://" in uri}
    for branch in made.branches.values():
        pins.update({uri: version for uri, version in branch.head.items() if uri != "commit"})
    return pins


def _kept(step: Step, outcome: RunOutcome) -> Json:
    report = outcome.report
    both = report.finished_at is not None and report.started_at is not None
    seconds = (report.finished_at - report.started_at).total_seconds() if both else 0.0  # type: ignore[operator]
    return {
        "connection": step.connection,
        "key": outcome.key,
        "ok": outcome.ok,
        "seconds": seconds,
        "parameters": step.params["parameters"],
        "commit": report.commit,
        "error": report.error[:4000],
        "results": [as_json(result) for result in report.results],
        "versions": dict(outcome.versions),
        "log": report.log[-TAIL:].replace("\x00", ""),
    }


def _save(proposal: Proposal, made: Rehearsal, epoch: int) -> None:
    if not holds(proposal, epoch):
        raise LostRace(f"{proposal} was taken over by another worker.")
    for name, branch in made.branches.items():
        if any(made.base.get(name, {}).get(uri) != version for uri, version in branch.base.items()):
            raise BaseMoved("Production moved while the branches were made.")
    with transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(
            plan=made.plan.as_json(),
            title=made.plan.title,
            base=made.base,
            branches=[as_json(branch) for branch in made.branches.values()],
            staging=made.as_json(),
        )
        advance(proposal, "verifying", actor=WORKER, source="worker")
