"""What a log says by itself: class, subtype, what heals it, how sure that is. By rules; pure.

1. Each line that may decide is weighed: a known cause before a general statement before a symptom; what is announced
   as a warning or a retry weighs less; of a chained traceback the first part is the cause, of Java's the last "Caused
   by"; the tool's own words weigh more than those of the language that it is written in.
2. The heaviest decides, the first of equals. Lines of another class that weigh nearly as much make it less sure.
3. Nothing known, or a bare symptom: what the words of the last errors are most like (`likeness.py`), weakly; else
   inconclusive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import BinaryIO

from incidents.leaning import leaning, shifted
from incidents.likeness import likely
from incidents.signatures import Lexicon, Match
from incidents.subtypes import SUBTYPES, Subtype
from incidents.triage import WORDS, Line, Triage, triage

GUESSED_FROM = 6  # lines at the end of what is suspicious
DECISIVE = 8  # lines that are named at most
WEIGHT = {"cause": 3.0, "general": 2.0, "symptom": 1.0}
OWN = 0.9  # more for what a team wrote of its own tools: more than any other line of the same rank has
# Whose words any tool may pass on.
GENERIC = {"python", "http", "shell", "dns", "tls", "pip", "git", "words", "wrappers"}
QUIET = {"LOG": 0.6, "WARN": 1.2, "WARNING": 1.2, "INFO": 1.6, "NOTICE": 1.6, "DEBUG": 2.0, "TRACE": 2.0}
BARE = 0.3  # less for a line of which only the name of its exception is known
SHIFTED = 0.75  # confidence where the context turned what the log seems to say
BLIND = 0.25  # confidence of a guess from nothing but that something was raised
NEAR = 0.75  # of weight: closer than this, another class is a serious rival
SURE = {"cause": 0.93, "general": 0.75, "symptom": 0.5}  # measured on labelled failures (manage.py evaluate)
# What the same words are said of for reasons of two classes: sure only where the context tells of the one.
TWOFOLD = {"missing_column", "missing_relation", "missing_file", "missing_resource", "schema_mismatch", "configuration",
           "http_missing", "http_bad_request", "engine_down", "worker_lost", "time_limit", "slow_answer",
           "name_resolution", "unreachable", "not_yet_consistent", "already_exists", "type", "resource_limit",
           "no_capacity", "too_many_connections", "storage_fault", "encoding", "environment", "interrupted",
           "history_lost"}  # fmt: skip
UNSURE = 0.77

_RAISED = re.compile(r"\b[A-Za-z]{3,60}(?:Error|Exception)\b|\bTraceback \(most recent call last\)")
_RETRY = re.compile(
    r"\b(?:retrying|will (?:be )?retr|retry(?:ing)? (?:in|after|attempt|#)|attempt \d{1,3}(?: of |/)\d)", re.I
)
_CAUSED = re.compile(r"^\s*(?:Caused by|Suppressed|Root cause)\b", re.I)


@dataclass(frozen=True)
class LogReading:
    """What was read out of a log. `subtype` None is inconclusive; `rivals` are other subtypes, likeliest first."""

    subtype: Subtype | None
    confidence: float  # 0 to 1: how often such a reading is right
    decisive: tuple[Line, ...]
    rivals: tuple[Subtype, ...] = ()
    total: int = 0  # lines of the log
    known: tuple[Match, ...] = ()  # everything that a signature knows, the heaviest first

    @property
    def match(self) -> Match | None:
        return next((line.match for line in self.decisive if line.match), None)

    @property
    def failure_class(self) -> str:
        return self.subtype.failure_class if self.subtype else "inconclusive"

    @property
    def root_cause(self) -> str:
        """One sentence, and the line that says it."""
        if self.subtype is None:
            return "Nothing in this log decides what broke."
        said = self.decisive[0].text.strip()[:300] if self.decisive else ""
        means = self.match.signature.means if self.match else self.subtype.means
        return f"{means} “{said}”" if said else means


def classify(
    log: str | BinaryIO,
    *,
    tool: str = "",
    context: str = "",
    good: str | BinaryIO | None = None,
    lexicon: Lexicon | None = None,
) -> LogReading:
    """Read a log of any size; `good` is the log of the last good run, `context` what else is known, in words.

    `lexicon` has a team's own signatures too; without it those of the files are known.
    """
    read = triage(log, good, lexicon)
    found = _weigh(read, tool)
    if found.match is None or found.match.signature.rank == "symptom":
        found = _guess(found, read)
    if found.match and found.match.signature.is_own and found.match.signature.rank != "symptom":
        return found  # people said what it means here: neither context nor measured doubt turns that
    if found.subtype and _is_twofold(found) and leaning(context) != found.failure_class:
        found = replace(found, confidence=min(found.confidence, UNSURE))
    if found.subtype and (other := shifted(found.subtype, context)):
        return replace(
            found, subtype=other, confidence=min(found.confidence, SHIFTED), rivals=(found.subtype, *found.rivals)[:3]
        )
    if found.subtype is None and context:
        second = _weigh(triage(context, None, lexicon), tool)
        found = replace(second, confidence=min(second.confidence, 0.6), total=read.total, decisive=found.decisive)
    return found


def _weigh(read: Triage, tool: str) -> LogReading:
    known = [(weight(line, read, tool), line, line.match) for line in read.lines if line.match]
    if not known:
        return LogReading(None, 0.0, tuple(_suspicious(read)), total=read.total)
    known.sort(key=lambda entry: (-entry[0], entry[1].number))
    best, line, match = known[0]
    subtype = match.signature.kind
    named = [match.signature.also, *(m.signature.kind for _, _, m in known)]
    rivals = dict.fromkeys(kind for kind in named if kind and kind != subtype)
    against = next((w for w, _, m in known if m.signature.failure_class != subtype.failure_class), None)
    decisive = [line, *(other for _, other, m in known[1:] if m.signature.kind == subtype)]
    return LogReading(
        subtype,
        _confidence(match, best, against),
        tuple(decisive[:DECISIVE]),
        tuple(rivals)[:3],
        read.total,
        tuple(match for _, _, match in known),
    )


def _is_twofold(found: LogReading) -> bool:
    match = found.match
    return bool((found.subtype and found.subtype.name in TWOFOLD) or (match and match.signature.also))


def _guess(found: LogReading, read: Triage) -> LogReading:
    """What the last lines sound like, before a bare symptom: weakly. An error that is like nothing is mostly a bug."""
    loud = [line for line in read.lines if line.level not in QUIET]
    errors = [line for line in loud if line.match or line.level or any(word in line.said.lower() for word in WORDS)]
    like = likely([line.said or line.text for line in errors or loud][-GUESSED_FROM:])
    if like is None:
        raised = found.subtype is None and any(_RAISED.search(line.text) for line in read.lines)
        return replace(found, subtype=SUBTYPES["logic"], confidence=BLIND) if raised else found
    subtype, clear = like
    agrees = found.subtype is not None and found.failure_class == subtype.failure_class
    return replace(found, subtype=subtype, confidence=round(0.3 + 0.2 * clear + 0.1 * agrees, 2))


def weight(line: Line, read: Triage, tool: str) -> float:
    """How much a known line says about the cause."""
    if line.match is None:
        return 0.0
    signature = line.match.signature
    heavy = WEIGHT[signature.rank] - QUIET.get(line.level, 0.0)
    if _RETRY.search(line.said or line.text):
        heavy -= 0.8
    if _CAUSED.match(line.said or line.text):
        heavy += 0.4 + min(line.number, 10_000) / 100_000  # the deepest is named last
    heavy += 0.3 * sum(line.number < chain for chain in read.chains[:5])
    tool = tool.lower()
    if signature.is_own:
        heavy += OWN
    elif signature.tool in tool or (tool and tool in signature.tool):
        heavy += 0.4
    elif signature.tool not in GENERIC:
        heavy += 0.2
    elif signature.tool == "wrappers":
        heavy -= BARE
    return heavy


def _confidence(match: Match, best: float, against: float | None) -> float:
    sure = SURE[match.signature.rank]
    if best < WEIGHT[match.signature.rank] - 0.5:
        sure -= 0.15  # only warned of
    if against is not None and best - against < NEAR:
        sure = min(sure, UNSURE) - 0.2 * (1 - (best - against) / NEAR)
    return round(max(0.3, sure), 2)


def _suspicious(read: Triage) -> list[Line]:
    loud = [line for line in read.lines if line.level not in QUIET]
    return (loud or read.lines)[:DECISIVE]


def action_of(reading: LogReading) -> str:
    """The action of the catalogue that usually heals it: people, when nothing is known."""
    return reading.subtype.actions[0] if reading.subtype else "escalate"


def alternatives(reading: LogReading) -> list[dict[str, str]]:
    """`[{"action", "why"}]`: what else may heal it, then what would heal the likeliest other cause."""
    if reading.subtype is None:
        return []
    first = reading.subtype
    others = dict.fromkeys(first.actions[1:], first.means)
    for rival in reading.rivals:
        others.setdefault(rival.actions[0], f"If not: {rival.means[:1].lower()}{rival.means[1:]}")
    others.pop(first.actions[0], None)
    return [{"action": action, "why": why} for action, why in others.items()][:3]
