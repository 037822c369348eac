"""What an engine or a service says in so many words: memory, locks, not available."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from incidents.case import Case
from incidents.history import History
from incidents.signatures import Match
from incidents.verdict import Verdict, claim, code, not_so
from integrations.values import Json

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
_SIZE = re.compile(r"\s*(\d{1,15}(?:\.\d{0,9})?|\.\d{1,9})\s*((?:[KMGT]I?)?)B?\s*", re.IGNORECASE)
LONGEST_WAIT_S = 7 * 86_400  # seconds: a plan's window may start at most this late


def out_of_memory(case: Case, history: History) -> Verdict | None:
    hit = _fullest(case, "out_of_memory")
    if hit is None:
        return None
    limit, evidence = size(hit.groups.get("limit", "")), case.dossier.cites("log", "signature")
    name, known = _parameter(case, limit)
    now = _as_setting(limit) if limit else str(known.get("now", ""))
    text = f"The engine stopped at its memory limit{f' of {now}' if now else ''}: the work of today needs more."
    most = f"; it may be raised to {known['max']}" if known.get("max") else ""
    claims = [claim(f"The engine says that it ran out of memory: “{hit.text.strip()[:200]}”", *evidence)]
    if name:
        read = case.dossier.cites("parameters")
        claims.append(claim(f"The job takes the limit as the parameter {code(name)}{most}.", *(read or evidence)))
    facts = {"parameter": name, "now": now, "max": str(known.get("max", "")), "limit_bytes": limit}
    return Verdict("infrastructure", "out_of_memory", text, facts, claims, _code_held(history), 0.95 if name else 0.8)


def service_unavailable(case: Case, history: History) -> Verdict | None:
    hit = _fullest(case, "service_unavailable", "rate_limited")
    if hit is None:
        return None
    said, evidence = hit.groups.get("status", ""), case.dossier.cites("log", "signature")
    status = int(said) if said.isdecimal() and len(said) == 3 else None
    answered = f"answered {status}" if status else "is not available"
    failed_at = (case.run and (case.run.finished_at or case.run.started_at)) or case.incident.opened_at
    wait = retry_after(hit.groups.get("retry_after", ""), failed_at)
    opens = failed_at + timedelta(seconds=wait) if wait is not None else None
    facts: Json = {
        "status": status,
        "retry_after_s": wait,
        "not_before": opens.isoformat() if opens else None,
        "not_after": None,
    }
    claims = [claim(f"A service that the job calls {answered}.", *evidence)]
    if opens:
        claims.append(claim(f"It asks to come back after {wait} s: at {opens:%H:%M:%S} UTC or later.", *evidence))
    text = (
        "A service that the job calls is not available"
        + (f" and answers {status}" if status else "")
        + (f"; it opens again at {opens:%H:%M:%S} UTC." if opens else ".")
    )
    return Verdict(
        "transient", "service_unavailable", text, facts, claims, _code_held(history), 0.95 if opens else 0.85
    )


def lock_conflict(case: Case, history: History) -> Verdict | None:
    hit = _fullest(case, "lock_conflict")
    if hit is None:
        return None
    evidence = case.dossier.cites("log", "signature")
    holder = hit.groups.get("holder", "")
    facts = {"resource": hit.groups.get("resource", ""), "holder": holder}
    thing, by = (_name(facts["resource"]) or "what the job needs", f": {_name(holder)}" if holder else "")
    said = f"Another process holds {thing}{by}."
    return Verdict(
        "transient",
        "lock_conflict",
        said,
        facts,
        [claim(f"Another process holds {code(thing)}{by}.", *evidence)],
        _code_held(history),
        0.95 if holder else 0.85,
    )


def size(text: str) -> int | None:
    """Bytes of `91.5 MiB`, `48MB`, `2GB`; None for anything else."""
    found = _SIZE.fullmatch(text)
    return int(float(found[1]) * UNITS[found[2].upper()]) if found else None


def retry_after(text: str, at: datetime) -> int | None:
    """Seconds from `at`, from either form of the header (RFC 9110 section 10.2.3)."""
    text = text.strip().strip("\"'")
    if text.isdecimal():
        return min(int(text), LONGEST_WAIT_S)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0, min(int((aware - at).total_seconds()), LONGEST_WAIT_S))


def _name(path: str) -> str:
    """Of a file, without its folders; what follows it stays: `python3.11 (PID 7)`."""
    first, space, rest = path.partition(" ")
    return f"{first.rpartition('/')[2]}{space}{rest}"


def _fullest(case: Case, *subtypes: str) -> Match | None:
    """Of what decides, the line that says most."""
    said = case.says(*subtypes)
    hits = [hit for hit in case.decisive if said and hit.signature.subtype == said.signature.subtype]
    return max(hits, key=lambda hit: len(hit.groups), default=None)


def _parameter(case: Case, limit: int | None) -> tuple[str, Json]:
    """The job's parameter of kind bytes that is this limit, or the only one that there is."""
    reading = case.of("parameters", case.runner.name if case.runner else "")
    sizes = {name: value for name, value in (reading.result if reading else {}).items() if value.get("kind") == "bytes"}
    if reading is None or not sizes:
        return "", {}
    nearest = sorted(sizes, key=lambda name: abs((size(str(sizes[name].get("now", ""))) or 0) - (limit or 0)))
    memory = [name for name in nearest if "mem" in name.lower()]
    name = (memory or nearest)[0]
    title = f"The job takes {name}: {sizes[name].get('now')} as configured, {sizes[name].get('max')} at most"
    case.dossier.add("parameters", title, sizes, f"{case.runner} parameters", call=reading.call)
    return name, dict(sizes[name])


def _as_setting(size_bytes: int) -> str:
    """As the engine's settings are written: `96MB`. Messages round, so the nearest whole megabyte is meant."""
    return f"{round(size_bytes / 10**6)}MB"


def _code_held(history: History) -> list[Json]:
    if not history.is_known:
        return []
    if not history.commits:
        return [not_so("A change of the code", "There is no commit since the last good run.", history.label)]
    if not any(commit["is_suspect"] for commit in history.commits):
        return [not_so("A change of the code", "No commit since the last good run is on the way.", history.label)]
    return []
