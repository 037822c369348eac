"""Act on what notes say: hints whose rule holds become facts for the proposer, and a change that is meant is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from django.utils import timezone

from incidents.case import Case
from incidents.knowing import Known
from incidents.verdict import Verdict, claim, code
from integrations.values import Json
from knowledge.hints import ExpectedChange, as_json
from knowledge.rule import glob

UNMEASURED = {"category", "keys", "schema", "nulls", "distinct", "freshness"}  # findings that no percent describes


def heed(case: Case, verdict: Verdict | None, found: Sequence[Known]) -> Verdict | None:
    """The verdict with `facts["hints"]`, and with `facts["expected"]` where a note expects what changed.

    hints     [{"cite", "entry", "version", "title", "hint"}] of the notes whose rule holds here, best first
    expected  {"within": true, false, or null where it cannot be measured, "says": words, "cites": [labels]}
    """
    if verdict is None:
        return None
    told = [
        {
            "cite": one.label,
            "entry": one.hit.entry.pk,
            "version": one.hit.entry.version,
            "title": one.hit.entry.title,
            "hint": as_json([hint])[0],
        }
        for one in found
        if one.hit.applies
        for hint in one.hit.hints
    ]
    facts = {**verdict.facts, "hints": told} if told else dict(verdict.facts)
    verdict = _read_with(verdict, found)
    expected = expectation(case, found, timezone.now().date())
    if expected is None:
        return replace(verdict, facts=facts)
    said = claim(expected["says"], *expected["cites"])
    meant = f"{verdict.root_cause} {expected['says']}" if expected["within"] else verdict.root_cause
    return replace(
        verdict,
        facts={**facts, "expected": expected},
        claims=[*verdict.claims, said],
        root_cause=meant,
        confidence=0.95 if expected["within"] else verdict.confidence,
    )


def _read_with(verdict: Verdict, found: Sequence[Known]) -> Verdict:
    """With the note that named the header of a reading: without it there would be no such evidence."""
    used = verdict.facts.get("read_with")
    note = next((one for one in found if used and one.hit.entry.pk == used["entry"]), None)
    if used is None or note is None:
        return verdict
    name = code(used["header"])
    said = f"The gateway read that with the header {name}, which {note.label} names; it alone has the value."
    return replace(verdict, claims=[*verdict.claims, claim(said, note.label, used["evidence"])])


def expectation(case: Case, found: Sequence[Known], today: date) -> Json | None:
    """Whether notes expect what our own detector found here; None where none speaks of it.

    Within its bounds only when every finding is, and nothing but findings belongs to the incident.
    """
    findings = [(alert["asset"], finding) for alert in case.alerts for finding in alert["detail"].get("findings", [])]
    judged = [said for asset, finding in findings if (said := _judged(asset, finding, found, today))]
    if not judged:
        return None
    withins = [said["within"] for said in judged]
    if False in withins:
        within: bool | None = False
    elif len(judged) < len(findings) or None in withins or not _is_only_findings(case):
        within = None
    else:
        within = True
    cites = list(dict.fromkeys(cite for said in judged for cite in said["cites"]))
    shown = [said for said in judged if said["within"] is within] or judged
    return {"within": within, "says": shown[0]["says"], "cites": cites}


def _judged(asset: Json, finding: Json, found: Sequence[Known], today: date) -> Json | None:
    """The first note that holds the finding to be meant; else the first that speaks of it."""
    said = [
        _compared(finding, one, hint)
        for one in found
        if one.hit.applies
        for hint in one.hit.hints
        if isinstance(hint, ExpectedChange) and _is_about(hint, asset, finding, today)
    ]
    return next((one for one in said if one["within"]), said[0] if said else None)


def _is_about(hint: ExpectedChange, asset: Json, finding: Json, today: date) -> bool:
    if hint.until and date.fromisoformat(hint.until) < today:
        return False
    names = (asset["name"], f"{asset['namespace']}/{asset['name']}")
    near = not hint.asset or any(glob(hint.asset).search(name) for name in names)
    kind = finding["check"].partition(":")[0]
    if kind in UNMEASURED:
        return False
    return near and (finding["column"] == hint.column if hint.column else kind == "rows")


def _compared(finding: Json, one: Known, hint: ExpectedChange) -> Json:
    what = code(hint.column) if hint.column else "the number of rows"
    by = f"{one.label}, “{one.hit.entry.title}” (version {one.hit.entry.version}),"
    change = percent(finding)
    if change is None:
        says = f"{by} expects a change of {what}; whether this is it cannot be measured."
        return {"within": None, "says": says, "cites": [one.label]}
    way = change if hint.direction == "up" else -change if hint.direction == "down" else abs(change)
    within = hint.low <= way <= hint.high
    bounds = f"{hint.low:g} to {hint.high:g} %{'' if hint.direction == 'either' else f' {hint.direction}'}"
    says = f"{by} expects {what} to change by {bounds}; it changed by {change:+.1f} %" + (
        "." if within else ", which is outside."
    )
    return {"within": within, "says": says, "cites": [one.label]}


def percent(finding: Json) -> float | None:
    """How far what was seen is from what is usual, in percent of the usual."""
    value, middle = finding.get("value"), finding.get("middle")
    if value is None or not middle:
        return None
    return (float(value) - float(middle)) / abs(float(middle)) * 100


def _is_only_findings(case: Case) -> bool:
    members = case.incident.members.exclude(role="symptom").values_list("event__kind", flat=True)
    return case.incident.run is None and set(members) <= {"drift"}
