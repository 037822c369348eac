"""Section 11: what an undo returns to, and whether it was rehearsed."""

from __future__ import annotations

import time
from typing import Protocol, runtime_checkable

from approvals.checks.finding import Bench, Finding, State
from integrations.effects import Branch
from integrations.errors import IntegrationError
from integrations.values import Json


@runtime_checkable
class Rehearses(Protocol):
    """A branch provider that can publish and take back on a scratch reference, production untouched."""

    def rehearse_undo(self, branch: Branch, *, key: str) -> None:
        """Raises Refused unless what comes back is what was there."""


def undo(bench: Bench) -> Finding:
    ways = [step.undo for step in bench.plan.on("production") if step.undo]
    section: Json = {"steps": ways, "on_red": bench.plan.on_red, "rehearsed": False, "seconds": None}
    if not bench.branches:
        return Finding("undo", "Undo", "note", "nothing is published" if not ways else "not rehearsed", section=section)
    started, refused = time.monotonic(), list[str]()
    for branch in bench.branches:
        refused += _refusal(bench, branch)
    seconds = time.monotonic() - started
    if refused:
        sentence = f"The undo was not rehearsed: {' '.join(refused)}"
        state: State = "bad" if any("came back" in text for text in refused) else "note"
        return Finding("undo", "Undo not rehearsed", state, "", sentence, section, (sentence,))
    section |= {"rehearsed": True, "seconds": round(seconds, 2)}
    return Finding(
        "undo", "Undo rehearsed", "ok", f"{seconds:.1f} s", "Published and taken back on a scratch reference.", section
    )


def _refusal(bench: Bench, branch: Branch) -> list[str]:
    provider = bench.provider(branch.connection)
    if not isinstance(provider, Rehearses):
        return [f"{branch.connection} cannot rehearse it."]
    try:
        provider.rehearse_undo(branch, key=f"rehearse-{bench.proposal.pk}")
    except IntegrationError as error:
        return [str(error)]
    return []
