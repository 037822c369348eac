"""Switch production to the branch that was verified, by compare-and-swap."""

from __future__ import annotations

from app.core.failpoints import failpoint
from approvals.kill_switch import require_off
from approvals.steps.work import Done, Job, connected, plain
from integrations.effects import Branch, Receipt
from integrations.errors import Refused
from integrations.values import Json, as_json


class Publish:
    def lookup(self, job: Job) -> Done | None:
        receipt = connected(job.step.connection).lookup(job.key, _branch(job))
        return _done(receipt) if receipt else None

    def act(self, job: Job) -> Done:
        provider = connected(job.step.connection)
        job.recheck()
        failpoint("before_publish")
        require_off(job.plan)  # the press may have come since
        receipt = provider.publish(_branch(job), key=job.key)
        failpoint("published_unrecorded")
        return _done(receipt)

    def undo(self, job: Job, receipt: Json) -> Done | None:
        provider = connected(job.step.connection)
        if done := provider.lookup(job.key):
            return _done(done)
        job.recheck()
        failpoint("before_undo")
        taken_back = provider.undo(Receipt(**receipt), key=job.key)
        failpoint("undone_unrecorded")
        return _done(taken_back)


def _branch(job: Job) -> Branch:
    for row in job.proposal.branches:
        if row["connection"] == job.step.connection:
            return Branch(**row)
    raise Refused(f"There is no staging branch on {job.step.connection}.")


def _done(receipt: Receipt) -> Done:
    moves = [f"{name}: {receipt.before.get(name, '')[:12]} → {after[:12]}" for name, after in receipt.after.items()]
    return Done(plain(as_json(receipt)), output="\n".join(moves))
