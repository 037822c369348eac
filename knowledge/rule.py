"""When an entry applies: conditions that must all hold, one a line, or joined by `and` or a comma. Pure.

    connector = airflow
    error ~ "503"
    asset in raw.partner_rates

asset =       the asset that broke, its job or its outputs; * and ? stand for any characters, \\* and \\? for themselves
asset in      that asset, or something downstream of it broke
column = connector = connection = class = subtype = dashboard =   as they are named; * and ? too
status =      the HTTP status, for example 429
error ~       a regular expression (RE2: linear in time) found in the log or the message
A value may offer several: `class = data | code`. One with blanks, commas or bars stands in "quotes".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import re2

from app.core.errors import Invalid

FIELDS = ("asset", "column", "connector", "connection", "class", "subtype", "error", "status", "dashboard")
CLOSENESS = {"error": 3.0, "asset": 2.0, "column": 2.0, "dashboard": 1.5, "connection": 1.5, "subtype": 1.5,
             "status": 1.5, "class": 0.5, "connector": 0.5}  # fmt: skip
LOOSE, FARTHER = 0.5, 0.5  # what is left of it for many assets; what a step upstream divides by
RULE_LIMIT, PATTERN_LIMIT, MOST_CONDITIONS = 4_000, 500, 20  # characters, characters, conditions
TEXT_LIMIT = 20_000  # characters of a log that patterns are tried on: its end
MEMORY = 1 << 20  # bytes that one compiled pattern may take

_GAP = re.compile(r"(?:[\s,]|\band\b(?=\s))*", re.I)
_WORD = re.compile(r"[A-Za-z_]+")
_OPERATOR = re.compile(r"\s*(=|~|in\b)\s*", re.I)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BARE = re.compile(r"(?:(?!\s+and\s)[^,\n|\"])+", re.I)
_BAR = re.compile(r"[ \t]*\|[ \t]*")
_SECOND = re.compile(rf"\s(?:{'|'.join(FIELDS)})\s*(?:[=~]|in\s)", re.I)
_WORDS, _PLAIN = re.compile(r"[\s,]"), re.compile(r"[^\s,|\"]+")
_ANY = {"*": ".*", "?": "."}
_SPECIAL = re.compile(r"[*?]|\\(?=[*?\\\"]|$)")  # what has to be written with a backslash to stand for itself
_GLOB = re.compile(r"(?s)\\[*?\\]|.")
_OPTIONS = re2.Options()
_OPTIONS.case_sensitive, _OPTIONS.max_mem, _OPTIONS.log_errors = False, MEMORY, False


@dataclass(frozen=True)
class Case:
    """What a rule is asked about. `assets` are names and uris with their distance: 0 broke, n is n steps upstream."""

    assets: Mapping[str, int] = field(default_factory=dict)
    connector: str = ""
    connection: str = ""
    failure_class: str = ""
    subtype: str = ""
    error: str = ""
    status: str = ""
    columns: tuple[str, ...] = ()
    dashboards: tuple[str, ...] = ()
    # Further words to find notes by: a title, a question.
    text: str = ""


@dataclass(frozen=True)
class Condition:
    field: str
    operator: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.field} {self.operator} {' | '.join(_shown(value) for value in self.values)}"


@dataclass(frozen=True)
class Why:
    """Which conditions held, in words, and how far upstream the asset is that the entry is about."""

    text: str
    distance: int = 0
    # How much it tells that these conditions held: an error's own text most, a connector alone hardly anything.
    closeness: float = 0.0
    # The part of it that is not about an asset.
    beside: float = 0.0
    names_asset: bool = False

    def __str__(self) -> str:
        return self.text


class RuleError(Invalid):
    """The rule cannot be read."""


@lru_cache(maxsize=32_768)
def parse(rule: str) -> tuple[Condition, ...]:
    """The conditions; none for an empty rule. Raises RuleError, which says where and what is possible."""
    if len(rule) > RULE_LIMIT:
        raise RuleError(f"A rule has at most {RULE_LIMIT} characters.")
    found: list[Condition] = []
    at = _end(_GAP, rule, 0)
    while at < len(rule):
        condition, at = _condition(rule, at)
        found.append(condition)
        if len(found) > MOST_CONDITIONS:
            raise _error(rule, at, f"A rule has at most {MOST_CONDITIONS} conditions.")
        at = _end(_GAP, rule, at)
    return tuple(found)


def matches(rule: str, case: Case, *, reach: int = 0) -> Why | None:
    """Why the rule applies to the case; None when it does not, and for an empty rule.

    `asset =` may be met by an asset at most `reach` steps upstream; then `Why.distance` says how far.
    """
    conditions = parse(rule)
    said, distance = [], 0
    for condition in conditions:
        held = _held(condition, case, reach)
        if held is None:
            return None
        said.append(held.text)
        distance = max(distance, held.distance)
    if not conditions:
        return None
    told = [(one.field, CLOSENESS[one.field] * (LOOSE if _is_loose(one) else 1)) for one in conditions]
    close, beside = sum(worth for _, worth in told), sum(worth for name, worth in told if name != "asset")
    named = any(name == "asset" for name, _ in told)
    return Why(", ".join(said), distance, close / (1 + FARTHER * distance), beside, named)


def may_hold(rule: str, case: Case) -> bool:
    """Whether every condition holds that the case can answer; never for an empty rule."""
    conditions = parse(rule)
    return bool(conditions) and all(_is_unknown(one, case) or _held(one, case, 0) for one in conditions)


def pattern(text: str) -> re2._Regexp:
    """A compiled regular expression; raises Invalid for one that is long, wrong or too large."""
    if len(text) > PATTERN_LIMIT:
        raise Invalid(f"A pattern has at most {PATTERN_LIMIT} characters.")
    try:
        return _compiled(text)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise Invalid(f"Cannot be used: {said}. Look-around and back-references are not possible.") from error


@lru_cache(maxsize=4_096)
def glob(text: str) -> re2._Regexp:
    """`*` and `?` as in file names, everything else as it is; case does not matter. `\\*` is a star."""
    parts = (_ANY.get(part) or re2.escape(part[-1]) for part in _GLOB.findall(text))
    return re2.compile(f"(?s)^{''.join(parts)}$", _OPTIONS)


def head_of(text: str) -> tuple[str, bool]:
    """What a value begins with before its first star or question mark, and whether that is all of it."""
    parts = _GLOB.findall(text)
    first = next((at for at, part in enumerate(parts) if part in _ANY), len(parts))
    return "".join(part[-1] for part in parts[:first]), first == len(parts)


def rule_for(asset: str) -> str:
    """The rule of a note about one asset, also where stars are part of its name."""
    return str(Condition("asset", "=", (_SPECIAL.sub(r"\\\g<0>", asset),)))


@lru_cache(maxsize=4_096)
def _compiled(text: str) -> re2._Regexp:
    return re2.compile(text, _OPTIONS)


def _condition(rule: str, at: int) -> tuple[Condition, int]:
    word = _WORD.match(rule, at)
    name = word.group().lower() if word else ""
    if name not in FIELDS:
        raise _error(rule, at, f"{_near(rule, at)} is nothing that a rule can ask. Possible: {', '.join(FIELDS)}.")
    after = _end(_WORD, rule, at)
    operator = _OPERATOR.match(rule, after)
    allowed = {"asset": ("=", "in"), "error": ("~",)}.get(name, ("=",))
    if operator is None or operator.group(1).lower() not in allowed:
        raise _error(rule, after, f"After {name} comes {' or '.join(allowed)}.")
    values, end = _values(rule, operator.end(), name)
    return Condition(name, operator.group(1).lower(), values), end


def _values(rule: str, at: int, name: str) -> tuple[tuple[str, ...], int]:
    values: list[str] = []
    while True:
        value, end = _value(rule, at)
        if not value:
            raise _error(rule, at, f"{name} needs a value.")
        if name == "error":
            try:
                pattern(value)
            except Invalid as error:
                raise _error(rule, at, str(error)) from error
        values.append(value)
        bar = _BAR.match(rule, end)
        if bar is None:
            return tuple(values), end
        at = bar.end()


def _value(rule: str, at: int) -> tuple[str, int]:
    if quoted := _QUOTED.match(rule, at):
        return quoted.group(1).replace('\\"', '"'), quoted.end()
    if rule[at : at + 1] == '"':
        raise _error(rule, at, "This quote is never closed.")
    bare = _BARE.match(rule, at)
    if bare and (second := _SECOND.search(bare.group())):
        raise _error(rule, at + second.start() + 1, "Another condition begins here: put a comma or `and` between.")
    return (bare.group().strip(), bare.end()) if bare else ("", at)


def _is_loose(condition: Condition) -> bool:
    """Whether it holds for many: a pattern with stars, or everything downstream."""
    return condition.operator == "in" or (
        condition.operator == "=" and not all(head_of(one)[1] for one in condition.values)
    )


def _held(condition: Condition, case: Case, reach: int) -> Why | None:
    if condition.field == "asset":
        return _asset(condition, case, reach)
    if condition.field == "error":
        return _error_text(condition, case)
    given: Mapping[str, Iterable[str]] = {
        "column": case.columns,
        "connector": (case.connector,),
        "connection": (case.connection,),
        "class": (case.failure_class,),
        "subtype": (case.subtype,),
        "status": (case.status,),
        "dashboard": case.dashboards,
    }
    for one in given[condition.field]:
        if one and any(glob(value).search(one) for value in condition.values):
            return Why(f"{condition.field} is {one}")
    return None


def _is_unknown(condition: Condition, case: Case) -> bool:
    """Whether the case says nothing of what the condition asks."""
    given = {
        "asset": case.assets,
        "column": case.columns,
        "connector": case.connector,
        "connection": case.connection,
        "class": case.failure_class,
        "subtype": case.subtype,
        "error": case.error,
        "status": case.status,
        "dashboard": case.dashboards,
    }
    return not given[condition.field]


def _asset(condition: Condition, case: Case, reach: int) -> Why | None:
    far = max(case.assets.values(), default=0) if condition.operator == "in" else reach
    near = [
        (distance, name)
        for name, distance in case.assets.items()
        if distance <= far and any(glob(value).search(name) for value in condition.values)
    ]
    if not near:
        return None
    distance, name = min(near)
    if distance == 0:
        return Why(f"about {name}")
    said = Why(f"about {name}, {distance} {'step' if distance == 1 else 'steps'} upstream", distance)
    return Why(said.text) if condition.operator == "in" else said


def _error_text(condition: Condition, case: Case) -> Why | None:
    for value in condition.values:
        if case.error and (hit := pattern(value).search(case.error[-TEXT_LIMIT:])):
            return Why(f"the log says “{' '.join(hit.group().split())[:80]}”")
    return None


def _end(what: re.Pattern[str], text: str, at: int) -> int:
    found = what.match(text, at)
    return found.end() if found else at


def _error(rule: str, at: int, words: str) -> RuleError:
    line, column = rule.count("\n", 0, at) + 1, at - (rule.rfind("\n", 0, at) + 1) + 1
    return RuleError(f"Line {line}, character {column}: {words}")


def _near(rule: str, at: int) -> str:
    return f"“{_WORDS.split(rule[at : at + 40])[0]}”"


def _shown(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else '"' + value.replace('"', '\\"') + '"'
