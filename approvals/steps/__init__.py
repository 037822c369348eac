"""What a production step does: one file per kind, found here by the plan's word for it."""

from __future__ import annotations

from approvals.steps import ask, close, publish, rerun
from approvals.steps.work import StepWork

STEPS: dict[str, StepWork] = {
    "publish": publish.Publish(),
    "rerun": rerun.Rerun(),
    "ask": ask.Ask(),
    "close": close.Close(),
}
