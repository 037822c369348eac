"""What the demo's people know and no system says: one note for each tacit story, to write and to archive."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from app.core.audit import Actor
from app.core.models import User
from integrations.demo import cluster
from integrations.demo.lakehouse import Lakehouse
from knowledge.archive import archive, restore
from knowledge.hints import Contact, ExpectedChange, Header, RetryWindow
from knowledge.models import Entry
from knowledge.sign import sign
from knowledge.write import Content, create, update

AUTHOR = "ada"  # an administrator, because two of these let something pass that would be stopped
NIGHT = {"from": "02:47", "to": "03:12"}
VALID = timedelta(days=90)


def write(lakehouse: Lakehouse, fault: str) -> Entry:
    """The note of `fault`, signed, as it is true now. Raises LookupError for a fault without one."""
    content, by = _content(lakehouse, fault), User.objects.get(username=AUTHOR)
    acting: dict[str, Any] = {"by": by, "actor": Actor.of(by), "source": "command"}
    found = _found(content.title)
    if found is None:
        return create(content, **acting)
    if found.state == "archived":
        found = restore(found, **acting)
    if Content.of(found).hints != content.hints:
        found = update(found, content, version=found.version, **acting)
    return sign(found, version=found.version, **acting) if found.state == "draft" else found


def forget(lakehouse: Lakehouse, fault: str) -> bool:
    """Archive the note of `fault`; False when there is none in force."""
    found, by = _found(_content(lakehouse, fault).title), User.objects.get(username=AUTHOR)
    if found is None or found.state == "archived":
        return False
    archive(found, by=by, actor=Actor.of(by), source="command", reason="The demo forgets it.")
    return True


def align(lakehouse: Lakehouse, fault: str) -> None:
    """Bring the note of `fault` to what is true now, where it is in force; one that was forgotten stays so."""
    if fault in NOTES and (found := _found(_content(lakehouse, fault).title)) and found.state == "signed":
        write(lakehouse, fault)


def write_all(lakehouse: Lakehouse) -> None:
    """Those that were never written: what a person archived stays archived."""
    for fault in NOTES:
        if _found(_content(lakehouse, fault).title) is None:
            write(lakehouse, fault)


def _found(title: str) -> Entry | None:
    return Entry.objects.filter(title=title, author__username=AUTHOR).order_by("-pk").first()


def _content(lakehouse: Lakehouse, fault: str) -> Content:
    if fault not in NOTES:
        raise LookupError(f"No note belongs to {fault}. There is one for {', '.join(NOTES)}.")
    return NOTES[fault](lakehouse)


def _window(lakehouse: Lakehouse) -> Content:
    window = json.loads(lakehouse.rates_state.read_text()).get("window", NIGHT)
    return Content(
        "runbook",
        "The treasury answers in one window a day",
        f'asset = {lakehouse.names("ingest_rates")}\nerror ~ "settlement is running"',
        "While the treasury settles, its service answers 503 and does not say until when. It is open for 25 minutes a "
        "day. One retry in that window is enough; retries outside of it only get us a call.",
        (RetryWindow("inside", window["from"], window["to"], "UTC", most_retries=1),),
    )


def _jump(lakehouse: Lakehouse) -> Content:
    column, table = lakehouse.names("usd_rate"), f"raw.{lakehouse.names('rates')}"
    until = (timezone.now() + VALID).date().isoformat()
    return Content(
        "annotation",
        "Rates are raised by 10 % on purpose",
        f"asset in {table}",
        "Finance agreed to add 10 % to the rates when it counts sales in other currencies. It is switched on and off "
        "by them. The jump is meant; anything else than about 10 % is not.",
        (ExpectedChange(column, "up", 8, 12, until=until),),  # there, and in what only passes the column on
    )


def _header(lakehouse: Lakehouse) -> Content:
    return Content(
        "runbook",
        "The cluster takes its key under another header",
        f"asset = {lakehouse.names('ledger')}",
        "The proxy before the cluster does not know bearer tokens: it takes the key in a header of its own. For years "
        "only Lena knew. A pod that lost its machine is deleted by hand; then the job can run again.",
        (Header(cluster.HEADER, "vault://cluster/key", lakehouse.cluster_host),),
    )


def _sheet(lakehouse: Lakehouse) -> Content:
    return Content(
        "annotation",
        "Who keeps the planning sheet",
        f"asset = raw.{lakehouse.names('planning_sheet')}",
        "The address of the planning team is read once a week. Dana keeps the sheet and has every version of it.",
        (Contact("Dana Whitfield", "dana.whitfield@shop.example"),),
    )


NOTES: dict[str, Callable[[Lakehouse], Content]] = {
    "retry-window": _window,
    "expected-jump": _jump,
    "key-header": _header,
    "overwritten-sheet": _sheet,
}
