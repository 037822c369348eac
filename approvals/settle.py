"""Before an execution is given up: ask the target whether a step that was begun came to its effect after all."""

from __future__ import annotations

import logging

from app.core.errors import CountersignError
from approvals.authority import UNREADABLE
from approvals.carry import carry
from approvals.models import Execution, Proposal
from approvals.plan import Plan
from approvals.steps import STEPS
from approvals.steps.work import Done, Job
from integrations.errors import IntegrationError

log = logging.getLogger(__name__)


class _Nothing(CountersignError):
    """The target knows nothing of this key."""


def settle(proposal: Proposal, execution: Execution, plan: Plan) -> None:
    """Save the receipt of an effect that landed and was never recorded, so that it can be taken back.

    Acts on nothing. A target that cannot be asked leaves the step as it is.
    """
    for row, step in zip(execution.steps.order_by("number"), plan.on("production"), strict=False):
        if row.status != "running":
            continue
        job = Job(proposal, plan, step, row.key, _never)
        try:
            carry(row, lookup=lambda job=job: STEPS[job.step.kind].lookup(job), act=_nothing)  # type: ignore[misc]
        except _Nothing:
            continue
        except (IntegrationError, *UNREADABLE) as error:
            log.warning("outcome of step %s of %s is unknown: %s", row.number, execution, error.__class__.__name__)


def _never() -> None:
    raise _Nothing


def _nothing() -> Done | None:
    raise _Nothing
