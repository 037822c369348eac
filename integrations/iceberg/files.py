"""Which data files a snapshot has or brought, their rows as Arrow, and their size on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import DataFile, DataFileContent, ManifestEntryStatus
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.snapshots import Snapshot


@dataclass(frozen=True)
class LoadedFile:
    """A data file as a scan reads it, with the order in which it came to the table."""

    task: FileScanTask
    sequence: int

    @property
    def path(self) -> str:
        return self.task.file.file_path

    @property
    def rows(self) -> int:
        return int(self.task.file.record_count)


def live_files(table: Table, snapshot: Snapshot, only: BooleanExpression | None = None) -> list[LoadedFile]:
    """Files that hold the rows of a snapshot, oldest first; with `only`, those that can hold matching rows."""
    order = {
        entry.data_file.file_path: entry.sequence_number or 0
        for manifest in snapshot.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
        if entry.data_file.content == DataFileContent.DATA
    }
    scan = table.scan(row_filter=only or AlwaysTrue(), snapshot_id=snapshot.snapshot_id)
    found = [LoadedFile(task, order[task.file.file_path]) for task in scan.plan_files()]
    return sorted(found, key=lambda file: (file.sequence, file.path))


def added_files(table: Table, snapshot: Snapshot) -> list[DataFile]:
    """Files that this snapshot itself brought, delete files included."""
    return [
        entry.data_file
        for manifest in snapshot.manifests(table.io)
        if manifest.added_snapshot_id == snapshot.snapshot_id
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
        if entry.status == ManifestEntryStatus.ADDED and entry.snapshot_id == snapshot.snapshot_id
    ]


def bytes_added(table: Table, snapshots: Iterable[Snapshot]) -> int:
    """Measured at the files, not taken from the metadata."""
    return sum(len(table.io.new_input(file.file_path)) for shot in snapshots for file in added_files(table, shot))


def rows_of(table: Table, schema: Schema, tasks: Iterable[FileScanTask], columns: Iterable[str] = ()) -> pa.Table:
    """Rows of these files in the given schema, their delete files applied."""
    chosen = schema.select(*columns) if (columns := tuple(columns)) else schema
    scan: Any = ArrowScan(table.metadata, table.io, chosen, AlwaysTrue())
    return scan.to_table(tasks=tasks)


def schema_of(table: Table, snapshot: Snapshot) -> Schema:
    """The schema that the snapshot was written with."""
    return table.schemas().get(snapshot.schema_id if snapshot.schema_id is not None else -1, table.schema())
