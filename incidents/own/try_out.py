"""What a signature would have matched in the logs that are kept, and what was diagnosed then. Writes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Left
from django.utils import timezone

from app.core.redact import redact
from incidents.case import spoken
from incidents.models import Diagnosis, Incident, Run, RunResult
from incidents.own.candidate import Candidate, readable, signature
from incidents.signatures import FOLLOW_LINES, LINE_LIMIT, Lexicon, Match, Signature, followed
from incidents.triage import template

DAYS = 90  # of logs that are looked at
FAILED, GOOD = 300, 100  # runs, the newest
MESSAGE = 4_000  # characters of a failure's message
CHUNK = 20  # logs in memory at once
SECONDS = 2.0  # for the failed runs, and for the good ones: then it says how far it came, because somebody waits
SHOWN, A_RUN, NEAR = 25, 3, 6  # lines in all, lines of one run, near misses
TEXT = 400  # characters of a line that are shown


@dataclass(frozen=True)
class Hit:
    """A line that would have been known; `said` is what was diagnosed of its run then."""

    run: Run
    line: int
    text: str
    groups: dict[str, str]
    said: Diagnosis | None = None
    incident: Incident | None = None


@dataclass
class Tried:
    hits: list[Hit] = field(default_factory=list)
    near: list[Hit] = field(default_factory=list)  # hold a text that is searched for, and do not match
    runs: int = 0  # looked at, failed and good
    runs_matched: int = 0
    healthy_lines: int = 0  # of good runs
    healthy_matched: int = 0
    is_cut_short: bool = False

    @property
    def shown_runs(self) -> int:
        return len({hit.run.pk for hit in self.hits})


def try_out(candidate: Candidate) -> Tried:
    """Newest first, bounded in runs, characters and time. Raises Invalid for a pattern that cannot be tried."""
    readable(candidate)
    known, tried = signature(candidate, 0), Tried()
    for runs in (_runs("failed", "aborted")[:FAILED], _runs("success")[:GOOD]):
        until = time.monotonic() + SECONDS
        for run, text in _logs(runs):
            if not _look(known, run, text, tried, until):
                tried.is_cut_short = True
                break
    tried.hits = _with_diagnoses(tried.hits)
    return tried


def _runs(*statuses: str) -> QuerySet[Run]:
    since = timezone.now() - timedelta(days=DAYS)
    rows = Run.objects.filter(environment="production", status__in=statuses, told_at__gte=since)
    return rows.select_related("job").order_by("-pk")


def _logs(runs: QuerySet[Run]) -> Iterator[tuple[Run, str]]:
    """Each run with what it said, as a diagnosis reads it."""
    waiting: list[Run] = []
    for run in runs.defer("parameters", "inputs", "outputs").iterator(chunk_size=CHUNK):
        waiting.append(run)
        if len(waiting) == CHUNK:
            yield from _spoken(waiting)
            waiting = []
    yield from _spoken(waiting)


def _spoken(runs: Sequence[Run]) -> Iterator[tuple[Run, str]]:
    messages: dict[int, list[str]] = {run.pk: [run.error] for run in runs}
    failed = RunResult.objects.filter(run__in=runs, status="failed").annotate(start=Left("message", MESSAGE))
    for pk, message in failed.order_by("pk").values_list("run", "start"):
        messages[pk].append(message)
    for run in runs:
        yield run, spoken(run.log or run.error, messages[run.pk])


def _look(known: Signature, run: Run, text: str, tried: Tried, until: float) -> bool:
    """Whether there was time enough for all of it."""
    tried.runs += 1
    is_good = run.status == "success"
    tried.healthy_lines += (text.count("\n") + 1) * is_good
    lowered = text.lower()
    if not any(literal in lowered for literal in known.literals):
        return time.monotonic() < until
    lexicon, lines, found = Lexicon((known,)), text.splitlines(), 0
    for number, line in enumerate(lines, 1):
        start = line[:LINE_LIMIT].lower()
        if not any(literal in start for literal in known.literals):
            continue
        if time.monotonic() > until:
            break
        hit = lexicon.match(number, redact(line[:LINE_LIMIT]))
        if hit is None:
            _nearly(run, number, line, tried)
            continue
        found += 1
        if found <= A_RUN and len(tried.hits) < SHOWN:
            tried.hits.append(_hit(run, _whole(hit, lines)))
    tried.runs_matched += found > 0
    tried.healthy_matched += found * is_good
    return time.monotonic() < until


def _whole(hit: Match, lines: Sequence[str]) -> Match:
    return followed(hit, [redact(line) for line in lines[hit.line - 1 : hit.line + FOLLOW_LINES]])


def _hit(run: Run, hit: Match) -> Hit:
    return Hit(run, hit.line, hit.text.strip()[:TEXT], dict(hit.groups))


def _nearly(run: Run, number: int, line: str, tried: Tried) -> None:
    """One line of each template is enough to see what the pattern misses."""
    if len(tried.near) < NEAR:
        text = redact(line[:LINE_LIMIT])
        if template(text) not in {template(one.text) for one in tried.near}:
            tried.near.append(Hit(run, number, text.strip()[:TEXT], {}))


def _with_diagnoses(hits: Sequence[Hit]) -> list[Hit]:
    """The newest diagnosis of an incident that each run opened, in two queries for all."""
    incidents = {
        one.run_id: one for one in Incident.objects.filter(run__in={hit.run.pk for hit in hits}).order_by("pk")
    }
    newest = Diagnosis.objects.filter(incident__in=incidents.values()).order_by("incident", "-pk").distinct("incident")
    said = {one.incident_id: one for one in newest}
    return [
        Hit(hit.run, hit.line, hit.text, hit.groups, said.get(one.pk) if one else None, one)
        for hit in hits
        for one in [incidents.get(hit.run.pk)]
    ]
