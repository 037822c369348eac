"""What the outside world tells us and what we read there: frozen values that cross the border.

Every value here, and in `effects`, is made of strings, numbers, tuples and dicts, so that it can be kept as JSON
(`as_json`, `from_json`). The ports that carry them are in `ports`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, is_dataclass
from datetime import datetime
from itertools import repeat
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Environment = Literal["production", "staging"]

Json = dict[str, Any]


# --- names ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class AssetRef:
    """A table, model, job, dashboard or feed, named as OpenLineage names it."""

    # The system that holds it, for example `iceberg://lake`. One connection serves one namespace.
    namespace: str
    # Its name there, for example `raw.orders`.
    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def uri(self) -> str:
        """`namespace/name`: the key of dicts that are kept as JSON."""
        return f"{self.namespace}/{self.name}"


# --- what comes in -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NodeResult:
    """How one asset (or one test on it) fared in a run."""

    asset: AssetRef
    # success, failed, warned, skipped, running. `skipped` is a symptom and never opens an incident.
    status: str
    # The tool's own name of the node: a dbt unique_id, a task id, or "".
    node: str = ""
    # model, test, seed, source, freshness, job, check.
    kind: str = "model"
    message: str = ""
    # What a failing test counted, where it counts.
    failures: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class AssetFact:
    """What an event teaches about an asset."""

    asset: AssetRef
    kind: str = "table"  # table, view, model, seed, job, dashboard, feed
    owner: Json = field(default_factory=dict)  # {"name", "email", "slack"}, as far as known
    description: str = ""
    path: str = ""  # source file, relative to the repository
    upstream: tuple[AssetRef, ...] = ()
    columns: tuple[Column, ...] = ()
    meta: Json = field(default_factory=dict)


@dataclass(frozen=True)
class RunReport:
    """One execution of a job as an event source tells it; the normal form of every door."""

    # The sender's id of the run; with the connection it is unique.
    external_id: str
    job: AssetRef
    # running, success, failed, aborted
    status: str
    environment: Environment = "production"
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempt: int = 1
    # The first error, in the tool's words.
    error: str = ""
    # Untrusted text, at most LOG_LIMIT characters, the end kept.
    log: str = ""
    inputs: tuple[AssetRef, ...] = ()
    outputs: tuple[AssetRef, ...] = ()
    results: tuple[NodeResult, ...] = ()
    facts: tuple[AssetFact, ...] = ()
    # Git commit that ran, parameters, next scheduled load and so on.
    commit: str = ""
    parameters: Json = field(default_factory=dict)
    next_load_at: datetime | None = None


LOG_LIMIT = 400_000  # characters of a log that are kept; the decisive lines of larger ones are near the end


@dataclass(frozen=True)
class Alert:
    """A finding about one asset that is not a run: a monitor's alert, a drift."""

    fingerprint: str
    asset: AssetRef
    title: str
    severity: str = "warning"  # critical, high, warning, info, low
    status: str = "firing"  # firing, resolved
    message: str = ""
    check: str = ""
    environment: Environment = "production"
    detail: Json = field(default_factory=dict)


# --- what can be read ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    name: str
    type: str = ""
    # The engine's own identity of the column, where it has one: the same id under another name is a rename.
    id: str = ""
    # What somebody wrote about it where it is kept: untrusted text, at most COMMENT_LIMIT characters.
    comment: str = ""


COMMENT_LIMIT = 300  # characters of a column's comment that are kept


@dataclass(frozen=True)
class Version:
    """One state of an asset: an Iceberg snapshot, a git commit, a schema."""

    id: str
    at: datetime
    parent: str = ""
    operation: str = ""  # append, overwrite, delete, replace, commit
    summary: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Commit:
    sha: str
    at: datetime
    author: str
    subject: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """Facts about the rows that one version brought, or about a whole table.

    `columns[name]` holds, as far as they apply: `nulls` and `distinct` (rates 0..1), `categories` (value to share,
    at most 50), `sum`, `mean`, `p05`, `p50`, `p95`, `min`, `max` as floats.
    """

    rows: int
    columns: Json
    version: str = ""
    # Rows that share their key with an earlier row, for each candidate key: `{"order_id": 0}`.
    duplicates: Json = field(default_factory=dict)
    # One total per day and numeric column for tables with a date column: `{"revenue": {"2026-11-19": 81794.0}}`.
    totals: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Pod:
    """One try of a job in a cluster, as the cluster tells of it."""

    name: str
    # Of this very pod: a later one of the same name has another.
    uid: str
    phase: str  # Pending, Running, Succeeded, Failed, Unknown
    reason: str = ""
    message: str = ""
    node: str = ""
    # It does not come to an end by itself and is in the way of the next.
    is_stuck: bool = False


@dataclass(frozen=True)
class Workload:
    """A job in a cluster: its state, its pods, and the end of the last one's log (untrusted)."""

    job: str
    state: str  # active, succeeded, failed
    pods: tuple[Pod, ...] = ()
    log: str = ""


@dataclass(frozen=True)
class Predicate:
    """Which rows: every condition must hold. An empty predicate means no rows, never all."""

    # (column, operator, value): operators `=`, `in`, `is null`, `>=`, `<`; `value` is a literal, a list for `in`.
    conditions: tuple[tuple[str, str, Any], ...] = ()


# --- doors and people ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Health:
    """Result of *test connection*: what was tried, what it said, what to do."""

    ok: bool
    message: str
    hint: str = ""
    # What the other side said of itself and is worth keeping, for example the id of a workspace.
    facts: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Notice:
    """A message to a person; a link, never a button."""

    to: str
    subject: str
    text: str
    link: str


# --- as JSON and back ----------------------------------------------------------------------------------------


def as_json(value: Any) -> Json:
    """A dataclass of this module as plain JSON types; `datetime` stays for the encoder."""
    return asdict(value)


_Value = TypeVar("_Value")


def from_json(kind: type[_Value], value: Json) -> _Value:
    """What `as_json` was given, also after a trip through text: lists are tuples again, and times are times."""
    hints = get_type_hints(kind)
    known = {item.name for item in fields(cast(Any, kind))}
    return kind(**{name: _restored(hints[name], part) for name, part in value.items() if name in known})


def _restored(hint: Any, value: Any) -> Any:
    parts = [part for part in get_args(hint) if part is not NoneType]
    if value is None:
        return None
    if get_origin(hint) in (Union, UnionType):
        return _restored(parts[0], value) if len(parts) == 1 else value
    if get_origin(hint) is tuple:
        each = repeat(parts[0]) if parts[-1] is Ellipsis else parts
        return tuple(_restored(part, item) for part, item in zip(each, value, strict=False))
    if is_dataclass(hint) and isinstance(hint, type):
        return from_json(hint, value)
    return datetime.fromisoformat(value) if hint is datetime and isinstance(value, str) else value
