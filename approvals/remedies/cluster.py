"""A job that is stuck in a cluster: what is in the way is removed by its own identity, then it runs again, once."""

from __future__ import annotations

from dataclasses import replace

from approvals.plan import Plan, Step
from approvals.remedies.case import Case, NoPlan
from approvals.remedies.retry import retry
from integrations.values import Json

UNDO = "A deleted pod does not come back, and what the job does in the cluster is not taken back from here."


def retry_in_cluster(case: Case) -> Plan:
    """Raises NoPlan unless the cluster itself was read and something is stuck there."""
    stuck: Json = case.facts.get("stuck") or {}
    if not stuck:
        raise NoPlan(
            "Whether anything of the lost work goes on is not known, so nothing is started beside it.", case.by_hand()
        )
    runner, plan, pods = case.runner(), retry(case), ", ".join(stuck)
    named = case.header(runner)
    extra: Json = {"clear": sorted(stuck.values()), "attempts": 1, **({"header": named} if named else {})}
    title = f"Delete {pods} and {plan.title[0].lower()}{plan.title[1:]}"
    why = f"{pods} does not end by itself and is in the way. Should its machine still work unseen, that try goes on."
    if named:
        why += f" {named['cite']} says which header the cluster wants; worker-act alone opens its value."
    steps = tuple(_first(step, pods, extra) if step.connection == runner.name else step for step in plan.steps)
    return replace(plan, title=title[:300], why=why, steps=steps)


def _first(step: Step, pods: str, extra: Json) -> Step:
    title = f"Delete {pods}, then {step.title[0].lower()}{step.title[1:]}"
    return replace(step, title=title, params={**step.params, **extra}, undo=UNDO)
