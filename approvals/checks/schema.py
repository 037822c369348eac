"""Section 5: columns and their types, before and after."""

from __future__ import annotations

from collections.abc import Mapping

from approvals.base import refs
from approvals.checks.finding import Bench, Finding, State
from integrations import connections
from integrations.errors import IntegrationError
from integrations.ports import Inspector
from integrations.values import AssetRef, Column, Json

LIMIT = 40  # assets that are compared


def schema(bench: Bench) -> Finding:
    """Of edited tables and of everything rebuilt. A column that goes or changes its type is red."""
    found = [_difference(table.asset, table.schema_before, table.schema_after) for table in bench.tables]
    unread: list[str] = []
    versions = sorted(bench.versions.items())[:LIMIT]
    for asset, version in zip(refs(uri for uri, _ in versions), (version for _, version in versions), strict=True):
        try:
            found.append(_rebuilt(asset, version))
        except IntegrationError as error:
            unread.append(f"The schema of {asset.name} was not compared: {error}")
    changed = [row for row in found if row["added"] or row["removed"] or row["retyped"]]
    broken = [row["name"] for row in changed if row["removed"] or row["retyped"]]
    if not found:
        return Finding("schema", "Schema", "skipped", "nothing was rebuilt", section=[], not_checked=tuple(unread))
    note = f"{len(found) - len(changed)} of {len(found)} unchanged"
    body = f"Columns go or change their type in {', '.join(broken)}." if broken else ""
    state: State = "bad" if broken else "note" if changed else "ok"
    title = "Schema unchanged" if not changed else "Schema"
    return Finding("schema", title, state, note, body, found, tuple(unread))


def _rebuilt(asset: AssetRef, version: str) -> Json:
    inspector = connections.connector_for(asset)
    if not isinstance(inspector, Inspector):
        return _difference(asset, (), ())
    after = inspector.schema(asset, version)
    try:
        before = inspector.schema(asset)
    except IntegrationError:
        before = after  # it is not in production yet, so nothing can go
    return _difference(asset, before, after)


def _difference(asset: AssetRef, before: tuple[Column, ...], after: tuple[Column, ...]) -> Json:
    old, new = _types(before), _types(after)
    return {
        "asset": asset.uri,
        "name": asset.name,
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "retyped": [[name, old[name], new[name]] for name in old if name in new and old[name] != new[name]],
        "columns": len(new),
    }


def _types(columns: tuple[Column, ...]) -> Mapping[str, str]:
    return {column.name: column.type for column in columns}
