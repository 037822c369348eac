"""CSV, in and out: kind, title, rule, body, hints (JSON), owner, readers (by commas), review_by."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from app.core.errors import Invalid
from integrations.values import Json
from knowledge import hints as typed
from knowledge.exchange.front import content_of
from knowledge.exchange.take import Bringer, Taken, add, change
from knowledge.models import Entry
from knowledge.rights import may_edit
from knowledge.write import BODY_LIMIT, Content

COLUMNS = ["kind", "title", "rule", "body", "hints", "owner", "readers", "review_by"]
MOST = 20_000  # rows
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # a cell that begins so is run by spreadsheets


def read_table(path: Path, bringer: Bringer) -> Taken:
    """One entry a row; the title tells whether it was read before. Raises Invalid for a file that is no such table."""
    taken = Taken()
    csv.field_size_limit(BODY_LIMIT * 4)
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if "title" not in (rows.fieldnames or []):
                raise Invalid(f"{path.name}: the first line names the columns; `title` is missing.")
            for number, row in zip(range(2, MOST + 2), rows, strict=False):
                _row(number, row, bringer, taken)
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise Invalid(f"{path.name} cannot be read: {error}") from error
    return taken


def write_table(path: Path) -> int:
    """What is signed, dbt's own left out; returns how many."""
    rows = Entry.objects.filter(state="signed").exclude(origin="dbt").select_related("owner").order_by("pk")
    with path.open("w", encoding="utf-8", newline="") as lines:
        out = csv.DictWriter(lines, COLUMNS)
        out.writeheader()
        out.writerows({name: _guarded(value) for name, value in _told(Content.of(row)).items()} for row in rows)
    return len(rows)


def _row(number: int, row: dict[str, str | None], bringer: Bringer, taken: Taken) -> None:
    try:
        told: Json = {name: _bare(row.get(name) or "") for name in COLUMNS}
        told["hints"] = json.loads(told["hints"] or "[]")
        told["readers"] = [one.strip() for one in told["readers"].split(",") if one.strip()]
        content = content_of(told, told["body"])
        known = Entry.objects.filter(origin="csv", origin_ref=content.title[:500]).first()
        if known and (known.state == "archived" or (bringer.by and not may_edit(bringer.by, known))):
            taken.notes.append(f"Row {number}: {content.title} is archived, or not yours to change.")
        elif known:
            change(known, content, bringer=bringer, taken=taken)
        else:
            add(content, origin="csv", ref=content.title[:500], bringer=bringer, taken=taken)
    except (Invalid, ValueError, RecursionError) as error:
        taken.notes.append(f"Row {number}: {error}")


def _told(content: Content) -> dict[str, str]:
    return {
        "kind": content.kind,
        "title": content.title,
        "rule": content.rule,
        "body": content.body,
        "hints": json.dumps(typed.as_json(content.hints), ensure_ascii=False) if content.hints else "",
        "owner": content.owner.username if content.owner else "",
        "readers": ",".join(content.readers),
        "review_by": content.review_by.isoformat() if content.review_by else "",
    }


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.startswith((*FORMULA, "'")) else cell


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*FORMULA, "'")) else cell
