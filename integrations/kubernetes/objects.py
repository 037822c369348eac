"""What the objects of the API say: pods, jobs, and the job that repeats another one. Pure.

Fields as in the API reference: core/v1 Pod, batch/v1 Job.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from integrations.untrusted import mapping, moment, rows, text
from integrations.values import Json, Pod

KEY = "countersign/key"  # label: which effect this job is
OF = "countersign/of"  # annotation: the job that it repeats
KEPT_S = 3 * 24 * 3600  # seconds that a job of ours stays, to be looked up
ENDED, GOOD = {"Succeeded", "Failed"}, {"Running", "Pending"}


def pod(found: Json) -> Pod:
    meta, status = mapping(found.get("metadata")), mapping(found.get("status"))
    state = _container(status)
    phase = text(status.get("phase"), 40) or "Unknown"
    reason = text(status.get("reason"), 120) or text(state.get("reason"), 120)
    message = text(status.get("message"), 2000) or text(state.get("message"), 2000)
    ends = bool(meta.get("deletionTimestamp"))
    stuck = phase not in ENDED and (phase not in GOOD or ends or bool(status.get("reason")))
    return Pod(
        text(meta.get("name"), 253), text(meta.get("uid"), 80), phase, reason, message,
        text(mapping(found.get("spec")).get("nodeName"), 253), stuck,
    )  # fmt: skip


def state(job: Json) -> str:
    """active, succeeded or failed."""
    status = mapping(job.get("status"))
    done = {
        text(one.get("type")) for one in map(mapping, rows(status.get("conditions"))) if one.get("status") == "True"
    }
    return "succeeded" if "Complete" in done else "failed" if "Failed" in done else "active"


def times(job: Json) -> tuple[datetime | None, datetime | None]:
    status = mapping(job.get("status"))
    ended = [one.get("lastTransitionTime") for one in map(mapping, rows(status.get("conditions")))]
    return moment(status.get("startTime")), moment(status.get("completionTime") or next(iter(ended), None))


def why(job: Json) -> str:
    """What a failed job says of its failure."""
    bad = [
        one for one in map(mapping, rows(mapping(job.get("status")).get("conditions"))) if one.get("type") == "Failed"
    ]
    return " ".join(f"{text(one.get('reason'), 120)}: {text(one.get('message'), 1000)}" for one in bad)


def label(key: str) -> str:
    """The key as a label may be written."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def repeated(job: Json, key: str, parameters: Any, timeout_s: int) -> Json:
    """The job once more, under a name that is made of the key: posted twice it is one job."""
    name = text(mapping(job.get("metadata")).get("name"), 200)
    template = mapping(mapping(job.get("spec")).get("template"))
    spec = {**mapping(template.get("spec"))}
    given = [{"name": name.upper(), "value": str(value)} for name, value in parameters.items()]
    spec["containers"] = [
        {**one, "env": [*rows(one.get("env")), *given]} for one in map(mapping, rows(spec.get("containers")))
    ]
    theirs = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
    labels = mapping(mapping(template.get("metadata")).get("labels"))
    kept = {one: value for one, value in labels.items() if one not in theirs}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{name[:40]}-cs-{label(key)[:12]}", "labels": {KEY: label(key)}, "annotations": {OF: name},
        },
        "spec": {
            "backoffLimit": 0, "activeDeadlineSeconds": timeout_s, "ttlSecondsAfterFinished": KEPT_S,
            "template": {"metadata": {"labels": kept}, "spec": spec},
        },
    }  # fmt: skip


def _container(status: Json) -> Json:
    """Why the first container that does not run waits or ended."""
    for one in map(mapping, rows(status.get("containerStatuses"))):
        found = mapping(one.get("state"))
        told = mapping(found.get("waiting")) or mapping(found.get("terminated"))
        if told:
            return told
    return {}
