"""The same run once more: now, or when the other side says it will answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from approvals.affected import reruns
from approvals.plan import Plan, Step, Window
from approvals.remedies.case import Case, NoPlan, run_steps
from integrations.values import Json
from knowledge.hints import KnownFlaky, RetryWindow
from knowledge.window import next_window

GUARD_S = 2.0  # seconds after the announced time, because clocks differ
WAIT_S = 300.0  # seconds, where the other side does not say when it is back
OPEN_FOR = timedelta(hours=24)  # how long the window stays open where its end is not known
LONGEST = timedelta(days=7)
UNKNOWN = "nobody knows when it answers again, so this is a try. Ask its owner, and write the answer down."


def retry(case: Case) -> Plan:
    what = str(case.facts.get("resource") or "")
    why = (
        f"{what} was held by another process; the run itself changed nothing."
        if what
        else "The cause passes by itself."
    )
    return _plan(case, "retry", f"Run {_name(case)} again", why, None)


def retry_later(case: Case) -> Plan:
    window = window_of(case)
    start = datetime.fromisoformat(window.not_before)
    status = f" ({case.facts['status']})" if case.facts.get("status") else ""
    why = f"The service refuses until then{status}; trying sooner would only add to its load."
    if case.facts.get("not_before") is None and case.facts.get("retry_after_s") is None:
        why = f"The service refuses{status} and does not say until when, and no note does: {UNKNOWN}"
    if known := case.hints(RetryWindow):
        hint, cite = known[0]
        why = f"{cite} says: {hint.sentence}"
    return _plan(case, "retry_later", f"Run {_name(case)} again after {start:%H:%M:%S} UTC", why, window)


def window_of(case: Case) -> Window:
    """From the facts: `not_before` or `retry_after_s`, with a guard, within the window that a note knows.

    It closes within seven days.
    """
    told, seconds = case.facts.get("not_before"), case.facts.get("retry_after_s")
    known = case.hints(RetryWindow)
    wait = (0.0 if known else _usual_wait_s(case)) if seconds is None else float(seconds)
    start = (datetime.fromisoformat(told) if told else case.now + timedelta(seconds=wait)) + timedelta(seconds=GUARD_S)
    if start > case.now + LONGEST:
        raise NoPlan(f"The service says it is back on {start:%d %b %Y}, more than seven days from now.")
    ends = case.facts.get("not_after")
    end = datetime.fromisoformat(ends) if ends else max(start, case.now) + OPEN_FOR
    if known:
        start, end = _within(known[0][0], max(start, case.now), case)
    if end <= case.now:
        raise NoPlan("The window in which the service answers is over. Ask its owner for the next one.")
    return Window(start.isoformat(), min(end, case.now + LONGEST).isoformat())


def _usual_wait_s(case: Case) -> float:
    """Until it is usually back, where a note knows; else our own guess."""
    return next((hint.minutes * 60.0 for hint, _ in case.hints(KnownFlaky) if hint.minutes), WAIT_S)


def _within(hint: RetryWindow, earliest: datetime, case: Case) -> tuple[datetime, datetime]:
    """The window of the note from `earliest` on. Raises NoPlan when it was tried as often as the note allows."""
    tried = case.retried()
    if hint.most_retries is not None and tried >= hint.most_retries:
        raise NoPlan(f"It was tried {tried} time{'s' * (tried != 1)}; the note says: {hint.sentence}")
    start, end = next_window(hint, earliest)
    if start > case.now + LONGEST:
        raise NoPlan(f"The next window opens on {start:%d %b %Y}, more than seven days from now.")
    return (start if start == earliest else start + timedelta(seconds=GUARD_S)), end


def _plan(case: Case, action: str, title: str, why: str, window: Window | None) -> Plan:
    runner, job = case.runner(), case.job()
    steps: tuple[Step, ...] = run_steps(
        reruns(runner, job, case.failed(), case.incident.run), action, staging=False, of_jobs=_of_that_run(case)
    )
    if any(hint.most_retries == 1 for hint, _ in case.hints(RetryWindow)):
        steps = tuple(replace(step, params={**step.params, "attempts": 1}) for step in steps)
    targets = (job.ref.uri,) if job else (case.root,)
    return Plan(action, title, why, case.number, case.root, steps, "stop", targets, window=window)


def _of_that_run(case: Case) -> Json:
    """The failed run's own date, because it may be retried on another day."""
    run = case.incident.run
    nominal = str(run.parameters.get("nominal_start", "")) if run else ""
    return {"run_date": nominal[:10]} if nominal else {}


def _name(case: Case) -> str:
    job = case.job()
    return job.name if job else "the failed job"
