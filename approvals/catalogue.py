"""Everything that can be done about an incident: twelve actions, and nothing besides them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from integrations.values import Json

# branch: staged, run and verified on a branch; dry_run: preconditions checked; none: nothing to rehearse
Rehearsal = Literal["branch", "dry_run", "none"]
# change: data snapshots and commit; run: the failed run and its attempt; incident: the incident as it is
Binds = Literal["change", "run", "incident"]
Risk = Literal["low", "medium", "high"]
RISKS: tuple[Risk, ...] = ("low", "medium", "high")


@dataclass(frozen=True)
class Retry:
    """Run the failed job again, unchanged, and what stands downstream of it."""

    job: str  # uri
    failed_run: str


@dataclass(frozen=True)
class RetryLater:
    """Run the failed job again, unchanged, within a window."""

    job: str  # uri
    failed_run: str
    not_before: str  # ISO, UTC
    not_after: str


@dataclass(frozen=True)
class RerunWithParameters:
    """Run the failed part again with other limits, within what the connection allows."""

    job: str  # uri
    parameters: Json


@dataclass(frozen=True)
class Rollback:
    """Take one commit back, as `git revert` does."""

    commit: str


@dataclass(frozen=True)
class Quarantine:
    """Take rows out of a table and hold them, listed, in a table of their own."""

    asset: str  # uri
    column: str
    values: tuple[str, ...]
    hold: str


@dataclass(frozen=True)
class PatchCode:
    """A unified diff to tracked text files."""

    diff: str


@dataclass(frozen=True)
class PatchData:
    """Keep one row per key, the first loaded."""

    asset: str  # uri
    key: tuple[str, ...]
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class UpdateSchemaMapping:
    """Read a renamed source column under its new name; what models give out stays as it was."""

    asset: str  # uri
    old: str
    new: str


@dataclass(frozen=True)
class AskOwner:
    """Ask the one person who can do it."""

    name: str
    email: str
    message: str


@dataclass(frozen=True)
class Escalate:
    """Hand it to people, with the exact commands where there are any."""

    reason: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wait:
    """Do nothing until the data has had time to heal itself."""

    until: str  # ISO, UTC


@dataclass(frozen=True)
class CloseAsExpected:
    """Close it, with the words that say why it was meant."""

    note: str


@dataclass(frozen=True)
class Action:
    name: str
    label: str
    parameters: type
    rehearsal: Rehearsal
    binds: Binds
    risk: Risk  # before anything about the incident raises it
    undone: str
    version: int = 1


_TABLE: tuple[tuple[str, str, type, Rehearsal, Binds, Risk, str], ...] = (
    ("retry", "Retry", Retry, "dry_run", "run", "low", "Nothing to take back: the same run, once more."),
    ("retry_later", "Retry later", RetryLater, "dry_run", "run", "low", "Nothing to take back: the same run, later."),
    ("rerun_with_parameters", "Re-run with parameters", RerunWithParameters, "branch", "run", "low",
     "The next run has the usual parameters again."),
    ("rollback", "Roll back a commit", Rollback, "branch", "change", "low", "The commit is put back by a new commit."),
    ("quarantine", "Quarantine rows", Quarantine, "branch", "change", "medium",
     "The table goes back to the snapshot it had; the held rows stay listed."),
    ("patch_code", "Patch code", PatchCode, "branch", "change", "medium", "A new commit restores the files."),
    ("patch_data", "Patch data", PatchData, "branch", "change", "medium",
     "The table goes back to the snapshot it had."),
    ("update_schema_mapping", "Update a mapping", UpdateSchemaMapping, "branch", "change", "low",
     "A new commit restores the files."),
    ("ask_owner", "Ask the owner", AskOwner, "none", "incident", "low", "A message cannot be taken back."),
    ("escalate", "Escalate", Escalate, "none", "incident", "low", "Nothing is changed."),
    ("wait", "Wait", Wait, "none", "incident", "low", "Nothing is changed."),
    ("close_as_expected", "Close as expected", CloseAsExpected, "none", "incident", "low", "Re-open the incident."),
)  # fmt: skip

CATALOGUE: dict[str, Action] = {row[0]: Action(*row) for row in _TABLE}


def riskiest(actions: list[str]) -> str:
    """The action that names and rules a plan of several; the first of equals."""
    return max(actions, key=lambda name: RISKS.index(CATALOGUE[name].risk))


def at_least(risk: Risk, floor: Risk) -> Risk:
    return max(risk, floor, key=RISKS.index)
