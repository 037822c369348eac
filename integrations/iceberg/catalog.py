"""The catalog: opening tables, and commits that land whole or not at all, over one table or several."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.table import StagedTable, Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update import (
    AssertRefSnapshotId,
    RemoveSnapshotRefUpdate,
    SetSnapshotRefUpdate,
    TableRequirement,
    TableUpdate,
)
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from integrations.errors import Refused, Unreachable, Unsupported

TRIES = 30  # writers to different branches of one table collide often, and none of them is at fault
PAUSE_S = 0.02  # seconds before the second try; grows to a second
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class TableCommit:
    """Changes of references of one table, and what must hold when they are made."""

    table: Table
    requirements: tuple[TableRequirement, ...]
    updates: tuple[TableUpdate, ...]


def open_catalog(name: str, properties: Mapping[str, str]) -> Catalog:
    """`properties` as pyiceberg takes them; `name` matters, because a SQL catalog keeps its rows under it."""
    try:
        return load_catalog(
            properties.get("name", name), **{key: str(value) for key, value in properties.items() if key != "name"}
        )
    except (ValueError, OperationalError, OSError) as error:
        raise Unreachable(f"The catalog could not be opened: {type(error).__name__}.") from error


def table_of(catalog: Catalog, name: str) -> Table:
    try:
        return catalog.load_table(name)
    except (NoSuchTableError, ValueError) as error:
        raise Refused(f"There is no table {name!r} in the catalog.") from error
    except OperationalError as error:
        raise Unreachable("The catalog did not answer.") from error


def main_of(table: Table) -> int:
    """Snapshot of production. Raises `Refused` for a table that has none yet."""
    found = table.metadata.refs.get("main")
    if found is None:
        raise Refused(f"Table {label(table)} has no snapshot yet, so there is nothing to branch from.")
    return found.snapshot_id


def label(table: Table) -> str:
    return ".".join(table.name())


def ref_of(table: Table, name: str) -> int | None:
    found = table.metadata.refs.get(name)
    return found.snapshot_id if found else None


def snapshot_of(table: Table, version: str) -> Snapshot:
    """By snapshot id or the name of a branch or tag; production when empty."""
    known = table.metadata.refs.get(version or "main")
    wanted = known.snapshot_id if known else int(version) if version.isdigit() else -1
    found = table.metadata.snapshot_by_id(wanted)
    if found is None:
        raise Refused(f"Table {label(table)} has no snapshot {version or 'main'!r}.")
    return found


def chain(table: Table, head: int, base: int | None = None) -> list[Snapshot]:
    """Snapshots from `head` back to, but without, `base`. Raises `Refused` when `base` is not among its ancestors."""
    found: list[Snapshot] = []
    current = table.metadata.snapshot_by_id(head)
    while current is not None and current.snapshot_id != base:
        found.append(current)
        parent = current.parent_snapshot_id
        current = table.metadata.snapshot_by_id(parent) if parent is not None else None
    if base is not None and current is None:
        raise Refused(f"Snapshot {head} of {label(table)} does not follow from {base}.")
    return found


def must_be(ref: str, snapshot: int | None) -> TableRequirement:
    """The reference is at `snapshot`, or does not exist when None."""
    return AssertRefSnapshotId.model_validate({"ref": ref, "snapshot-id": snapshot})


def set_ref(ref: str, kind: str, snapshot: int) -> TableUpdate:
    return SetSnapshotRefUpdate.model_validate({"ref-name": ref, "type": kind, "snapshot-id": snapshot})


def remove_ref(ref: str) -> TableUpdate:
    return RemoveSnapshotRefUpdate.model_validate({"ref-name": ref})


def retried(action: Callable[[], _Result]) -> _Result:
    """Do it again while other writers get in between. `action` must load its tables anew each time."""
    for attempt in range(TRIES):
        try:
            return action()
        except (CommitFailedException, OperationalError):
            pass
        except ValueError as error:
            if "sequence number" not in str(error):
                raise
        time.sleep(min(1.0, PAUSE_S * 2**attempt) * random.uniform(0.5, 1.5))  # noqa: S311 - only spreads the tries
    raise Unreachable("Other writers kept getting in between; try again.")


def commit_all(catalog: Catalog, commits: Sequence[TableCommit]) -> None:
    """All or none. Raises `CommitFailedException` when a requirement does not hold or another writer was first."""
    if len(commits) == 1:
        only = commits[0]
        catalog.commit_table(only.table, only.requirements, only.updates)
    elif isinstance(catalog, SqlCatalog):
        _commit_together(catalog, commits)
    elif commits:
        raise Unsupported("This catalog cannot publish several tables at once.")


def tables_in(catalog: Catalog) -> list[str]:
    return [".".join(name) for namespace in catalog.list_namespaces() for name in catalog.list_tables(namespace)]


def _commit_together(catalog: SqlCatalog, commits: Sequence[TableCommit]) -> None:
    """Private calls of pyiceberg 0.12.0, held by a contract test: there is no public way over several tables."""
    current = [catalog.load_table(commit.table.name()) for commit in commits]
    staged = [
        catalog._update_and_stage_table(table, table.name(), commit.requirements, commit.updates)
        for table, commit in zip(current, commits, strict=True)
    ]
    for new in staged:
        catalog._write_metadata(new.metadata, new.io, new.metadata_location)
    with Session(catalog.engine) as session, session.begin():
        for table, new in zip(current, staged, strict=True):
            _swap(catalog, session, table, new)


def _swap(catalog: SqlCatalog, session: Session, old: Table, new: StagedTable) -> None:
    *namespace, name = old.name()
    statement = (
        update(IcebergTables)
        .where(
            IcebergTables.catalog_name == catalog.name,
            IcebergTables.table_namespace == Catalog.namespace_to_string(tuple(namespace)),
            IcebergTables.table_name == name,
            IcebergTables.metadata_location == old.metadata_location,
        )
        .values(metadata_location=new.metadata_location, previous_metadata_location=old.metadata_location)
    )
    if session.execute(statement).rowcount != 1:  # type: ignore[attr-defined]
        raise CommitFailedException(f"Table has been updated by another process: {label(old)}")
