"""What was written about an asset's columns where they are kept: a hint for whoever reads, and never more than text."""

from __future__ import annotations

from app.core.redact import redact
from incidents.case import Case
from incidents.models import Asset
from integrations.gateway_client import named
from integrations.registry import CONNECTORS
from integrations.values import Json

COLUMNS = 40  # with a comment, in the order of the table


def comments(case: Case, root: Asset) -> None:
    """Add what dbt or a sender told, and what the table says now; nothing where nobody wrote anything."""
    read, call = _read(case, root)
    found = {str(column["name"]): column for column in [*root.columns, *read] if column.get("comment")}
    said = [_shown(column) for column in list(found.values())[:COLUMNS]]
    if said:
        title = f"{root.name}: what is written about {len(said)} column{'s' * (len(said) != 1)}"
        body = {"asset": root.ref.uri, "columns": said}
        case.dossier.add("comments", title, body, f"columns of {root.ref.uri}", trust="untrusted", call=call)


def _shown(column: Json) -> Json:
    return {"name": str(column["name"]), "comment": redact(str(column["comment"]))}


def _read(case: Case, root: Asset) -> tuple[list[Json], int | None]:
    """From the engine, where its tables have comments; one that did not answer before is not asked again."""
    source = named("schema", {"namespace": root.namespace})
    is_silent = any(f" of {root.name}: " in why for why in case.unread)
    if source is None or is_silent or not CONNECTORS[source.kind].has_comments:
        return [], None
    reading = case.about("schema", root)
    return (list(reading.result), reading.call) if reading else ([], None)
