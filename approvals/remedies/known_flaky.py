"""What a note knows to be flaky is run again first: the usual recovery, before other remedies, and signed like them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from approvals.plan import Plan
from approvals.remedies.case import Case
from approvals.remedies.retry import retry, retry_later
from incidents.subtypes import SUBTYPES
from knowledge.hints import KnownFlaky, parse
from knowledge.models import Entry

Build = Callable[[Case], Plan]
RETRIES = {"retry", "retry_later"}


def usual_recovery(subtype: str, case: Case, own: Mapping[str, Build]) -> tuple[str, Build] | None:
    """The retry that a standing note says usually heals this; None where there is none, or where it did not heal.

    Only for subtypes that a retry may heal at all, built as `own`, the remedies of the subtype, build it: a note
    changes which remedy comes first, never what is safe, how sure the diagnosis is, or who signs. Where it was
    carried out since the incident opened or came back, the usual number of retries is used up.
    """
    allowed = RETRIES & {*SUBTYPES[subtype].actions} if subtype in SUBTYPES else set()
    known = next(((hint, cite) for hint, cite in case.hints(KnownFlaky) if _stands(case, hint)), None)
    if not allowed or known is None or case.retried():
        return None
    action = _action(case, known[0], allowed, own)
    build = own.get(action) or (retry_later if action == "retry_later" else retry)
    return action, lambda asked: _cited(build(asked), *known, keep=build not in (retry, retry_later))


def _action(case: Case, hint: KnownFlaky, allowed: set[str], own: Mapping[str, Build]) -> str:
    """Later where somebody says when, unless this subtype has a way of its own to run again."""
    if own.get("retry", retry) is not retry or "retry_later" not in allowed:
        return "retry"
    said = hint.minutes or case.facts.get("not_before") or case.facts.get("retry_after_s") is not None
    return "retry_later" if said or "retry" not in allowed or "retry_later" in own else "retry"


def _cited(plan: Plan, hint: KnownFlaky, cite: str, *, keep: bool) -> Plan:
    why = f"{cite} says: {hint.sentence}{'' if hint.sentence.endswith('.') else '.'}"
    if hint.retries and not keep:  # a way of its own has its own number
        again = {"attempts": hint.retries}
        steps = tuple(replace(step, params={**step.params, **again}) for step in plan.steps)
        plan = replace(plan, steps=steps)
    return replace(plan, why=f"{why} {plan.why}" if keep else why)


def _stands(case: Case, hint: KnownFlaky) -> bool:
    """Whether the note is still signed: a diagnosis keeps what it read, and people change their minds."""
    told = [one["entry"] for one in case.facts.get("hints") or [] if parse([one["hint"]]) == (hint,)]
    return Entry.objects.filter(pk__in=told, state="signed").exists()
