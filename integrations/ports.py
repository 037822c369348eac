"""What the outside world promises us, and the frozen values that cross that border.

A connector implements the ports that it can. A capability that it lacks is shown as such, never faked.
Every value here is made of strings, numbers, tuples and dicts, so that it can be kept as JSON (`as_json`, `from_json`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from datetime import datetime
from itertools import repeat
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Protocol, TypeVar, Union, cast, get_args, get_origin, get_type_hints, runtime_checkable

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


@dataclass(frozen=True)
class Wiring:
    """What an instance of a connector is built from: `Connector(wiring)`."""

    # The connection's name, unique.
    name: str
    # Its settings, no secret among them.
    config: Mapping[str, Any]
    # Opens a vault entry by name. Raises `SecretUnavailable` in a process that may not.
    secret: Callable[[str], str]
    # Another configured connection's connector, by name.
    peer: Callable[[str], Any]
    # A folder of our own for scratch files: staging copies, worktrees, run folders.
    workspace: Path


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
class Predicate:
    """Which rows: every condition must hold. An empty predicate means no rows, never all."""

    # (column, operator, value): operators `=`, `in`, `is null`, `>=`, `<`; `value` is a literal, a list for `in`.
    conditions: tuple[tuple[str, str, Any], ...] = ()


@runtime_checkable
class Inspector(Protocol):
    """Read only. Each method raises `Unsupported` where the engine has no such thing."""

    def schema(self, asset: AssetRef, version: str = "") -> tuple[Column, ...]: ...
    def versions(self, asset: AssetRef, limit: int = 60) -> tuple[Version, ...]:
        """Newest first."""

    def profile(self, asset: AssetRef, version: str = "", *, increment: bool = False) -> Profile:
        """Of the asset at `version` (now when empty); with `increment`, of only the rows that version added."""

    def sample(self, asset: AssetRef, predicate: Predicate, limit: int = 20) -> tuple[Json, ...]: ...
    def changes(self, paths: Sequence[str], limit: int = 20) -> tuple[Commit, ...]:
        """Newest commits that touch one of `paths` (all paths when empty)."""

    def read_file(self, path: str, version: str = "") -> str: ...


# --- branches ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class QuarantineRows:
    """Take the rows out of the asset and hold them in a table of their own, listed."""

    asset: AssetRef
    predicate: Predicate
    hold: str  # name of the table that will hold them, for example `quarantine.payments_inc_12`
    kind: str = "quarantine_rows"


@dataclass(frozen=True)
class DedupeRows:
    """Keep one row per key, the first loaded; refuses where rows of one key differ outside `ignore`."""

    asset: AssetRef
    key: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    kind: str = "dedupe_rows"


@dataclass(frozen=True)
class ApplyPatch:
    """A unified diff that must apply cleanly to the base commit."""

    diff: str
    message: str
    kind: str = "apply_patch"


@dataclass(frozen=True)
class RevertCommit:
    """Take one commit back, as `git revert` does."""

    sha: str
    message: str
    kind: str = "revert_commit"


Change = QuarantineRows | DedupeRows | ApplyPatch | RevertCommit


@dataclass(frozen=True)
class Capabilities:
    zero_copy: bool
    atomic_across_tables: bool
    compare_and_swap: bool
    undo_hours: int
    note: str = ""


@dataclass(frozen=True)
class Branch:
    """A staging copy. `base` and `head` map asset uri (or `commit`) to version id; `head` moves with each change."""

    connection: str
    name: str
    base: Mapping[str, str]
    head: Mapping[str, str]
    # Bytes of data that the branch has written so far: the proof of zero copy.
    bytes_written: int = 0
    detail: Json = field(default_factory=dict)


@dataclass(frozen=True)
class TableDiff:
    """Row and column difference of one asset between base and head, by key. Samples are at most 20, masked."""

    asset: AssetRef
    key: tuple[str, ...]
    added: int
    removed: int
    changed: int
    same: int
    columns: Mapping[str, int] = field(default_factory=dict)  # changed values per column
    sample: tuple[Json, ...] = ()  # {"key": ..., "change": "removed", "before": {...}, "after": {...}}
    schema_before: tuple[Column, ...] = ()
    schema_after: tuple[Column, ...] = ()


@dataclass(frozen=True)
class CodeDiff:
    path: str
    added: int
    removed: int
    text: str  # unified diff of this file


@dataclass(frozen=True)
class Diff:
    tables: tuple[TableDiff, ...] = ()
    code: tuple[CodeDiff, ...] = ()


@dataclass(frozen=True)
class Receipt:
    """What an effect left behind, enough to look it up and to undo it."""

    connection: str
    kind: str
    key: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    detail: Json = field(default_factory=dict)


@runtime_checkable
class BranchProvider(Protocol):
    """Stage, publish and take back. `BaseMoved` when production is not what was expected."""

    def capabilities(self) -> Capabilities: ...
    def heads(self, assets: Sequence[AssetRef]) -> Mapping[str, str]:
        """Version of production now, keyed like `Branch.base`."""

    def fork(self, name: str, assets: Sequence[AssetRef]) -> Branch:
        """Idempotent: an existing branch of that name whose base is production's head is returned as it is."""

    def apply(self, branch: Branch, change: Change) -> Branch: ...
    def diff(self, branch: Branch) -> Diff: ...
    def publish(self, branch: Branch, *, key: str) -> Receipt:
        """Switch production from `branch.base` to `branch.head`, compare-and-swap, all assets or none."""

    def undo(self, receipt: Receipt, *, key: str) -> Receipt:
        """Put production back; `BaseMoved` when it moved after the publish."""

    def lookup(self, key: str, branch: Branch | None = None) -> Receipt | None:
        """The receipt of an effect that already happened under this key, read from the target itself."""

    def drop(self, branch: Branch) -> None: ...


# --- running -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunRequest:
    """Run or re-run a part of a pipeline against production or against branches."""

    # Idempotency key: the same key never runs twice to completion.
    key: str
    environment: Environment
    # Jobs to run, in order, by asset name; empty for engines that select by asset.
    jobs: tuple[AssetRef, ...] = ()
    # Assets to rebuild together with everything downstream of them.
    select: tuple[AssetRef, ...] = ()
    # Code to run: a commit id; empty for the head of production.
    commit: str = ""
    # Data to read: asset uri to version id; what is not named is read from production's head.
    pins: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    timeout_s: int = 540


@dataclass(frozen=True)
class RunOutcome:
    """What a run did. `report.results` has every node; `report.log` the tool's own words."""

    key: str
    ok: bool
    report: RunReport
    # Where results of a staging run can be read: asset uri to a version or path that `Inspector` methods accept.
    versions: Mapping[str, str] = field(default_factory=dict)
    # How to take a production run back, if it can be: passed to `revert`.
    receipt: Receipt | None = None


@runtime_checkable
class PipelineRunner(Protocol):
    def run(self, request: RunRequest) -> RunOutcome: ...
    def lookup(self, key: str) -> RunOutcome | None:
        """The outcome of a completed run under this key; None when it never finished."""

    def revert(self, receipt: Receipt, *, key: str) -> Receipt:
        """Put back what a production run overwrote; `BaseMoved` when someone wrote after it."""

    def parameters(self) -> Mapping[str, Json]:
        """Parameters that a run accepts: name to {"kind": "bytes", "now": "48MB", "max": "2GB"}."""


# --- doors and people ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Health:
    """Result of *test connection*: what was tried, what it said, what to do."""

    ok: bool
    message: str
    hint: str = ""


@runtime_checkable
class EventSource(Protocol):
    """Turns a stored event into its normal form. Pure: no call, no clock."""

    def parse(self, kind: str, payload: Json) -> tuple[RunReport | Alert, ...]: ...
    def fingerprint(self, kind: str, payload: Json) -> str: ...


@runtime_checkable
class Slimming(Protocol):
    """An event source whose events hold much more than is ever read of them."""

    def slim(self, kind: str, payload: Json) -> Json:
        """The payload as it is kept: same meaning, without the rest. Pure."""


@dataclass(frozen=True)
class Notice:
    """A message to a person; a link, never a button."""

    to: str
    subject: str
    text: str
    link: str


@runtime_checkable
class Messenger(Protocol):
    def post(self, notice: Notice) -> str:
        """Send; returns the channel's own id of the message."""


@runtime_checkable
class Testable(Protocol):
    def test(self) -> Health: ...


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
