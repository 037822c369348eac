"""Which incident, and why. Pure: values in, values out; `placement.py` reads and writes the rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from incidents import wording
from integrations.values import Alert, AssetRef, NodeResult, RunReport

SIGNATURE_WINDOW = timedelta(minutes=10)  # one error on one connection within it is one cause: the warehouse is down
ALERT_WINDOW = timedelta(hours=6)  # a monitor upstream may look this much later than the job that already failed
LATE = "freshness"  # our own detector's check
CHECKS = {"test", "freshness", "check", "alert"}  # they find a state of the data, which may be older than they are


class Role(StrEnum):
    ROOT, SYMPTOM, REPEAT = "root", "symptom", "repeat"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one asset."""

    asset: AssetRef
    # What must pass for it to be over: see `job_key`, `result_key`, `check_key`.
    key: str
    # job, alert, or the kind of the failing result.
    kind: str
    title: str
    message: str = ""
    severity: str = ""
    # Hash of the error without what varies; empty for checks, whose findings all read alike.
    signature: str = ""
    node: str = ""
    check: str = ""


@dataclass(frozen=True)
class Candidate:
    """An incident that a problem may belong to."""

    pk: int
    root: int  # asset id
    status: str
    key: str
    kind: str
    signature: str
    connection: int
    # When the run that opened it began; when it was opened, if there was none.
    began: datetime
    # When that run ended.
    ended: datetime
    opened: datetime
    run: str = ""  # external id
    parent: str = ""  # external id of the run that started that run
    # Whether what opened it passes in the very run that is looked at.
    over: bool = False


@dataclass(frozen=True)
class Sighting:
    """A problem in its place: what `home`, `is_above` and `comes_back` look at."""

    problem: Problem
    asset: int
    connection: int
    # Ids upstream of the asset and their distance, itself (0) included.
    upstream: Mapping[int, int]
    at: datetime
    run: str = ""
    parent: str = ""
    # When the same node or job was last good in production before this.
    last_good: datetime | None = None
    # Whether it had failed in the run before this one too.
    continues: bool = False


def job_key(job: AssetRef) -> str:
    return f"job:{job.uri}"


def result_key(job: AssetRef, result: NodeResult) -> str:
    """A check is known by its node; what is built by its asset, because a run that died early names no node."""
    if result.kind == "job" and not result.node:
        return job_key(job)
    return f"node:{job.uri}:{result.node if result.kind in CHECKS and result.node else result.asset.uri}"


def check_key(connection: int, fingerprint: str) -> str:
    return f"check:{connection}:{fingerprint}"


def problems_of_run(report: RunReport) -> tuple[Problem, ...]:
    """What is wrong in a finished production run. Skipped and warned nodes are no problem of their own."""
    if report.environment != "production":
        return ()
    failed = [result for result in report.results if result.status == "failed"]
    if failed:
        return tuple(_of_result(report.job, result) for result in failed)
    return (_of_job(report),) if report.status == "failed" else ()


def problem_of_alert(alert: Alert, connection: int) -> Problem | None:
    if alert.environment != "production" or alert.status != "firing":
        return None
    key = check_key(connection, alert.fingerprint)
    # Several loads of one scheduler that are late at once have one cause, and one incident.
    late = _signature(LATE) if alert.check == LATE else ""
    named = alert.check or alert.fingerprint
    return Problem(alert.asset, key, "alert", alert.title, alert.message, alert.severity, signature=late, check=named)


def passed_by(report: RunReport) -> set[str]:
    """Keys of what is good again after this production run."""
    if report.environment != "production":
        return set()
    good = {result_key(report.job, result) for result in report.results if result.status in {"success", "warned"}}
    bad = {result_key(report.job, result) for result in report.results if result.status == "failed"}
    return (good - bad) | ({job_key(report.job)} if report.status == "success" else set())


def home(sighting: Sighting, candidates: Sequence[Candidate]) -> tuple[Candidate, Role, str] | None:
    """The open incident that this belongs to, its role there, and why; the nearest root wins, then the youngest."""
    found = [(candidate, *said) for candidate in candidates if (said := _belongs(sighting, candidate))]
    order = {Role.REPEAT: 0, Role.SYMPTOM: 1}
    return min(
        found,
        key=lambda each: (order[each[1]], sighting.upstream.get(each[0].root, 1_000), -each[0].opened.timestamp()),
        default=None,
    )


def is_above(sighting: Sighting, candidate: Candidate, downstream: Mapping[int, int]) -> bool:
    """Whether this may have caused `candidate`: upstream of its root, and already wrong when that failed."""
    if not downstream.get(candidate.root):
        return False
    if sighting.problem.kind == "job":
        return sighting.at <= candidate.ended
    if sighting.last_good is not None:
        return sighting.last_good < candidate.began
    return sighting.at <= candidate.opened + ALERT_WINDOW


def comes_back(sighting: Sighting, resolved: Candidate) -> bool:
    """Whether a fixed incident is here again: the same check, or the same job with the same error."""
    problem = sighting.problem
    return problem.key == resolved.key and problem.signature == resolved.signature


def root_of(sightings: Sequence[Sighting]) -> Sighting:
    """The most upstream one: nothing else that failed stands above it; at a tie the first that was told."""
    assets = {sighting.asset for sighting in sightings}
    return min(sightings, key=lambda each: len(assets & (each.upstream.keys() - {each.asset})))


def _belongs(sighting: Sighting, candidate: Candidate) -> tuple[Role, str] | None:
    problem = sighting.problem
    if candidate.over and not sighting.continues:
        return None  # the root is good again, so what begins now has another cause
    if problem.key == candidate.key:
        return Role.REPEAT, "It failed again"
    if sighting.asset == candidate.root:
        return Role.SYMPTOM, "Another finding about the same asset"
    if candidate.root in sighting.upstream and not _was_good_since(sighting, candidate):
        steps = sighting.upstream[candidate.root]
        return Role.SYMPTOM, f"It stands {steps} step{'s' if steps > 1 else ''} downstream of the root"
    if sighting.connection == candidate.connection:
        if problem.signature == candidate.signature != "" and sighting.at - candidate.opened < SIGNATURE_WINDOW:
            return Role.SYMPTOM, "The same error on the same connection, within 10 minutes"
        if _same_family(sighting, candidate):
            return Role.SYMPTOM, "Part of the same run"
    return None


def _was_good_since(sighting: Sighting, candidate: Candidate) -> bool:
    """What succeeded after the root broke is not broken by it."""
    return sighting.last_good is not None and sighting.last_good > candidate.began


def _same_family(sighting: Sighting, candidate: Candidate) -> bool:
    ours, theirs = {sighting.run, sighting.parent} - {""}, {candidate.run, candidate.parent} - {""}
    return bool(ours & theirs)


def _of_result(job: AssetRef, result: NodeResult) -> Problem:
    return Problem(
        result.asset,
        result_key(job, result),
        result.kind,
        wording.of_result(result.asset.name, result),
        result.message,
        signature="" if result.kind in CHECKS else _signature(result.message),
        node=result.node,
    )


def _of_job(report: RunReport) -> Problem:
    asset = report.outputs[0] if report.outputs else report.job
    message = report.error or report.log[-2000:]
    return Problem(
        asset,
        job_key(report.job),
        "job",
        wording.of_job(report.job.name, message),
        message,
        signature=_signature(message),
    )


def _signature(message: str) -> str:
    said = wording.shape(message)
    return hashlib.sha256(said.encode()).hexdigest() if said else ""
