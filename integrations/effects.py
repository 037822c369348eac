"""What we do in the outside world: frozen values of branches, changes, differences, receipts and runs.

Kept as JSON like those of `values`. A `Receipt` is enough to look an effect up and to take it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from integrations.values import AssetRef, Column, Environment, Json, Predicate, RunReport

# --- changes -------------------------------------------------------------------------------------------------


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


# --- branches ------------------------------------------------------------------------------------------------


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


# --- differences and receipts --------------------------------------------------------------------------------


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
    # What is in the way and is removed first, by the engine's own identity of it: uids of stuck pods.
    clear: tuple[str, ...] = ()
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
