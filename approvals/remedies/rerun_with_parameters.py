"""The failed part runs again with a larger limit, never above what the connection allows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from approvals.affected import reruns
from approvals.plan import Plan
from approvals.remedies.case import Case, NoPlan, run_steps
from integrations.values import Json

TRIES = 3  # sizes that a rehearsal tries: twice, four times, and the largest allowed
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?I?B?)\s*", re.IGNORECASE)


def rerun_with_parameters(case: Case) -> Plan:
    name, now, largest = str(case.fact("parameter")), str(case.fact("now")), str(case.fact("max"))
    runner = case.runner()
    value = doubled(now, largest)
    if value is None:
        raise NoPlan(
            f"{name} is {now}, which is the most that {runner.name} allows. "
            "Allow more under Settings › Connections, or make the query smaller."
        )
    parts = reruns(runner, case.job(), case.failed(), case.incident.run)
    return Plan(
        "rerun_with_parameters",
        f"Run again with {name} {value} instead of {now}",
        f"The run ended because {name} was {now}; at most {largest} is allowed.",
        case.number,
        case.root,
        (
            *(
                run_steps(parts, "rerun_with_parameters", staging=True, parameters={name: value})
                if runner.kind == "dbt"
                else ()
            ),
            *run_steps(parts, "rerun_with_parameters", staging=False, parameters={name: value}),
        ),
        "stop",
        tuple(uri for part in parts for uri in (*part.jobs, *part.select)) or (case.root,),
    )


def larger(plan: Plan, allowed: Mapping[str, Json], tried: int) -> Plan | None:
    """The same plan with the next size, after `tried` rehearsals that were too small; None when there is none."""
    used = next((dict(step.params["parameters"]) for step in plan.steps if step.params.get("parameters")), {})
    for name, value in used.items():
        largest = str(allowed.get(name, {}).get("max", ""))
        following = largest if tried >= TRIES - 1 else doubled(str(value), largest)
        if tried < TRIES and following and size(following) > size(str(value)):
            return _with(plan, name, str(value), following)
    return None


def doubled(now: str, largest: str) -> str | None:
    """Twice `now` in its own unit, at most `largest`; None when that is no more than now."""
    matched = _SIZE.fullmatch(now)
    if matched is None or size(now) >= size(largest):
        return None
    twice = f"{float(matched[1]) * 2:g}{matched[2]}"
    return twice if size(twice) < size(largest) else largest


def size(text: str) -> float:
    """Bytes. A text that is no size is 0, which is larger than nothing."""
    matched = _SIZE.fullmatch(text)
    return float(matched[1]) * _UNITS.get(matched[2].upper(), 1) if matched else 0.0


def _with(plan: Plan, name: str, old: str, new: str) -> Plan:
    steps = tuple(
        replace(step, params={**step.params, "parameters": {**step.params["parameters"], name: new}})
        if name in (step.params.get("parameters") or {})
        else step
        for step in plan.steps
    )
    return replace(plan, title=plan.title.replace(f"{name} {old}", f"{name} {new}"), steps=steps)
