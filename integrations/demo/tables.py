"""Facts about the lake's tables, read from the catalog and its metadata files: nothing heavy is imported for it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from integrations.values import Column


def metadata(catalog: Path, table: str) -> dict[str, Any]:
    """The current Iceberg metadata of `raw.orders`, say; empty when there is no such table."""
    namespace, name = table.split(".", 1)
    query = "select metadata_location from iceberg_tables where table_namespace = ? and table_name = ?"
    with sqlite3.connect(catalog) as connection:
        found = connection.execute(query, (namespace, name)).fetchone()
    connection.close()
    return json.loads(Path(found[0].removeprefix("file://")).read_text()) if found else {}


def columns(catalog: Path, table: str) -> tuple[Column, ...]:
    known = metadata(catalog, table)
    current = [schema for schema in known.get("schemas", []) if schema["schema-id"] == known["current-schema-id"]]
    return tuple(Column(field["name"], str(field["type"])) for schema in current for field in schema["fields"])


def head(catalog: Path, table: str) -> str:
    """Id of the snapshot that main is at; empty when nothing was loaded yet."""
    reference = metadata(catalog, table).get("refs", {}).get("main", {})
    return str(reference.get("snapshot-id", ""))
