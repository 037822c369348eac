"""Ask a person for what only a person can do; nothing in production changes."""

from __future__ import annotations

from app.core.failpoints import failpoint
from approvals.kill_switch import require_off
from approvals.models import Request
from approvals.requests import ask
from approvals.steps.work import Done, Job
from integrations.values import Json

DUE_H = 24  # hours, where the plan does not say


class Ask:
    def lookup(self, job: Job) -> Done | None:
        asked = Request.objects.filter(key=job.key).first()
        return _done(asked) if asked else None

    def act(self, job: Job) -> Done:
        job.recheck()
        failpoint("before_ask")
        require_off(job.plan)  # the press may have come since
        params = job.step.params
        to = params["to"]
        asked = ask(
            job.proposal,
            name=str(to.get("name", "")),
            email=str(to.get("email", "")),
            words=str(params["message"]),
            due_h=int(params.get("due_h") or DUE_H),
            key=job.key,
        )
        failpoint("asked_unrecorded")
        return _done(asked)

    def undo(self, job: Job, receipt: Json) -> Done | None:
        return None


def _done(asked: Request) -> Done:
    return Done({"request": asked.pk, "to": asked.to_name}, output=f"{asked.to_name} was asked.")
