"""What a note says to code: typed hints, acted on and not read. Pure.

As JSON each is an object with `kind` and the fields of its class, times as `HH:MM`, dates as ISO, days as 0 (Monday)
to 6 (Sunday).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, time
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.core.errors import Invalid
from integrations.values import Json

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TEXT_LIMIT = 300  # characters of one field
MOST_HINTS = 12  # in one entry
MOST_PERCENT = 10_000  # that a change may be expected to have
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,80}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::\d{1,5})?")
_REFERENCE = re.compile(r"vault://[A-Za-z0-9_-]{1,60}/[A-Za-z0-9_.-]{1,40}")


@dataclass(frozen=True)
class RetryWindow:
    """A retry works only `inside` the window, or only `after` it has closed."""

    kind: ClassVar[str] = "retry_window"
    when: Literal["inside", "after"]
    start: str  # local, HH:MM; later than `end` it runs over midnight
    end: str
    zone: str = "UTC"
    days: tuple[int, ...] = EVERY_DAY  # on which it opens
    most_retries: int | None = None

    def check(self) -> None:
        _one_of("when", self.when, ("inside", "after"))
        for name, value in (("from", self.start), ("to", self.end)):
            _need(bool(_TIME.fullmatch(value)), f"{name}: a time is written as 02:47.")
        _need(self.start != self.end, "A window that begins when it ends is never open.")
        _need(_is_zone(self.zone), f"{self.zone!r} is no time zone. Write one such as UTC or Europe/Berlin.")
        _need(bool(self.days) and set(self.days) <= set(EVERY_DAY), "Days are numbers from 0 (Monday) to 6 (Sunday).")
        _need(self.most_retries is None or 1 <= self.most_retries <= 20, "Most retries: between 1 and 20.")

    @property
    def sentence(self) -> str:
        times = "time" if self.most_retries == 1 else "times"
        many = f", at most {self.most_retries} {times}" if self.most_retries else ""
        return f"Retry {self.when} {self.start} to {self.end} {self.zone}, {_days(self.days)}{many}."


@dataclass(frozen=True)
class Contact:
    """Who is asked, and where."""

    kind: ClassVar[str] = "contact"
    who: str
    channel: str = ""  # an e-mail address, #channel, or words

    def check(self) -> None:
        _text("who", self.who)
        _text("channel", self.channel, empty=True)

    @property
    def sentence(self) -> str:
        return f"Ask {self.who}{f' ({self.channel})' if self.channel else ''}."


@dataclass(frozen=True)
class ExpectedChange:
    """A change that is meant: by how many percent of the usual value, and until when."""

    kind: ClassVar[str] = "expected_change"
    column: str  # empty for the number of rows
    direction: Literal["up", "down", "either"]
    low: float  # percent, at least 0
    high: float
    asset: str = ""  # empty: what the rule matches
    until: str = ""  # ISO date, the last day; empty: for ever

    def check(self) -> None:
        _text("column", self.column, empty=True)
        _text("asset", self.asset, empty=True)
        _one_of("direction", self.direction, ("up", "down", "either"))
        _need(0 <= self.low <= self.high, "Bounds are percents, the lower one first and not below 0.")
        _need(self.high <= MOST_PERCENT, f"An upper bound of more than {MOST_PERCENT:,} % is no bound.")
        _need(not self.until or _is_date(self.until), "Until: a date is written as 2027-02-14.")

    @property
    def sentence(self) -> str:
        what = f"`{self.column}`" if self.column else "the number of rows"
        way = "either way" if self.direction == "either" else self.direction
        until = f" until {self.until}" if self.until else ""
        return f"Expected: {what} goes {way} by {self.low:g} % to {self.high:g} %{until}."


@dataclass(frozen=True)
class Header:
    """A call to `host` needs a header whose value is in the vault; the value itself is never here."""

    kind: ClassVar[str] = "header"
    name: str
    reference: str  # vault://<connection>/<name of the secret>
    host: str

    def check(self) -> None:
        _need(bool(_HEADER.fullmatch(self.name)), "The name of a header has letters, digits and dashes.")
        _need(
            bool(_REFERENCE.fullmatch(self.reference)),
            "Name a vault entry: vault://connection/name, never the value.",
        )
        _need(bool(_HOST.fullmatch(self.host)), "Host: such as api.example.com or 127.0.0.1:6443.")

    @property
    def sentence(self) -> str:
        return f"Calls to {self.host} need the header {self.name}, from {self.reference}."


@dataclass(frozen=True)
class DoNotTouch:
    """Nothing here is changed by a plan, whoever signs."""

    kind: ClassVar[str] = "do_not_touch"
    reason: str

    def check(self) -> None:
        _text("reason", self.reason)

    @property
    def sentence(self) -> str:
        return f"Do not touch: {self.reason}"


@dataclass(frozen=True)
class KnownFlaky:
    """It fails now and then and comes back by itself: run it again first, as often as that usually takes."""

    kind: ClassVar[str] = "known_flaky"
    recovery: str  # what usually brings it back
    minutes: int | None = None  # after which it is back
    retries: int | None = None  # after which it is back

    def check(self) -> None:
        _text("recovery", self.recovery)
        _need(self.minutes is None or 1 <= self.minutes <= 7 * 24 * 60, "Minutes: between 1 and seven days.")
        _need(self.retries is None or 1 <= self.retries <= 3, "Retries: between 1 and 3.")

    @property
    def sentence(self) -> str:
        after = f", usually within {self.minutes} min" if self.minutes else ""
        many = "one retry" if self.retries == 1 else f"{self.retries} retries"
        tries = f", after at most {many}" if self.retries else ""
        return f"Known to be flaky{after}{tries}: {self.recovery}"


@dataclass(frozen=True)
class MustApprove:
    """Who signs a fix of this, beside what policy asks for: user names, or roles as `role:approver`."""

    kind: ClassVar[str] = "must_approve"
    who: tuple[str, ...]

    def check(self) -> None:
        _need(bool(self.who), "Name at least one person or role.")
        for one in self.who:
            _text("who", one)

    @property
    def sentence(self) -> str:
        return f"{' and '.join(self.who)} must approve."


Hint = RetryWindow | Contact | ExpectedChange | Header | DoNotTouch | KnownFlaky | MustApprove
HINTS: dict[str, type[Hint]] = {
    hint.kind: hint for hint in (RetryWindow, Contact, ExpectedChange, Header, DoNotTouch, KnownFlaky, MustApprove)
}


def parse(given: Any) -> tuple[Hint, ...]:
    """The hints of a JSON list. Raises Invalid, saying which and why."""
    if not isinstance(given, list):
        raise Invalid("Hints are a list.")
    _need(len(given) <= MOST_HINTS, f"An entry has at most {MOST_HINTS} hints.")
    return tuple(_parse_one(one, f"Hint {number}") for number, one in enumerate(given, 1))


def as_json(hints: Iterable[Hint]) -> list[Json]:
    return [{"kind": hint.kind, **_plain(asdict(hint))} for hint in hints]


def sentence(hint: Hint) -> str:
    return hint.sentence


def _parse_one(given: Any, where: str) -> Hint:
    kind = given.get("kind") if isinstance(given, dict) else None
    made = HINTS.get(kind) if isinstance(kind, str) else None
    _need(made is not None, f"{where}: kind is one of {', '.join(HINTS)}.")
    assert made is not None  # noqa: S101  (for the type checker: `_need` raised)
    known = {field.name for field in fields(made)}
    _need(
        not (extra := set(given) - known - {"kind"}), f"{where} ({kind}): unknown {', '.join(sorted(map(str, extra)))}."
    )
    try:
        hint = made(**{name: _cast(made, name, value) for name, value in given.items() if name != "kind"})
        hint.check()
    except (TypeError, ValueError) as error:
        raise Invalid(f"{where} ({kind}): {_plainly(error)}") from error
    except Invalid as error:
        raise Invalid(f"{where} ({kind}): {error}") from error
    return hint


def _cast(made: type[Hint], name: str, value: Any) -> Any:
    """The value in the type of its field. Raises ValueError where it has another one."""
    wanted = str(next(field.type for field in fields(made) if field.name == name))
    if wanted.startswith("tuple"):
        part = int if "int" in wanted else str
        if not isinstance(value, list | tuple) or not all(type(one) is part for one in value):
            raise ValueError(f"{name} is a list of {'numbers' if part is int else 'names'}.")
        return tuple(sorted(set(value))) if part is int else tuple(dict.fromkeys(value))
    if "None" in wanted and value is None:
        return None
    if wanted.startswith("int"):
        if type(value) is not int:
            raise ValueError(f"{name} is a whole number.")
        return value
    if wanted == "float":
        if type(value) not in (int, float) or value != value or abs(value) == float("inf"):
            raise ValueError(f"{name} is a number.")
        return float(value)
    if not isinstance(value, str):
        raise ValueError(f"{name} is text.")
    return value.strip()


def _plainly(error: Exception) -> str:
    missing = re.findall(r"'(\w+)'", str(error)) if isinstance(error, TypeError) else []
    return f"{', '.join(missing)} is missing." if missing else str(error)


def _plain(values: Json) -> Json:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _need(holds: bool, words: str) -> None:
    if not holds:
        raise Invalid(words)


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    _need(value in allowed, f"{name}: one of {', '.join(allowed)}.")


def _text(name: str, value: str, *, empty: bool = False) -> None:
    _need(empty or bool(value), f"{name} is missing.")
    _need(len(value) <= TEXT_LIMIT, f"{name}: at most {TEXT_LIMIT} characters.")


def _days(days: tuple[int, ...]) -> str:
    known = {EVERY_DAY: "every day", (0, 1, 2, 3, 4): "Monday to Friday", (5, 6): "Saturday and Sunday"}
    return known.get(days) or ", ".join(DAY_NAMES[day] for day in days)


def _is_zone(name: str) -> bool:
    try:
        return bool(name) and bool(ZoneInfo(name).key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def at(text: str) -> time:
    """`02:47` as a time of day."""
    return time.fromisoformat(text)
