"""Close the incident with the reason that was signed."""

from __future__ import annotations

from app.core import audit
from app.core.failpoints import failpoint
from approvals.kill_switch import require_off
from approvals.steps.work import Done, Job
from incidents.resolve import resolve
from integrations.values import Json


class Close:
    def lookup(self, job: Job) -> Done | None:
        incident = job.proposal.incident
        incident.refresh_from_db()
        return Done({"resolution": incident.resolution}) if incident.status == "resolved" else None

    def act(self, job: Job) -> Done:
        job.recheck()
        failpoint("before_close")
        require_off(job.plan)  # the press may have come since
        resolution = str(job.step.params["resolution"])
        resolve(
            job.proposal.incident, resolution, comment=job.plan.why, actor=audit.WORKER, source=audit.Source("worker")
        )
        failpoint("closed_unrecorded")
        return Done({"resolution": resolution})

    def undo(self, job: Job, receipt: Json) -> Done | None:
        return None
