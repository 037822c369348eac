"""The chain over the audit trail: seal what is unsealed, and find the first thing that does not fit.

    hash(n) = sha256(n | hash(n - 1) | mac of the record | canonical content of the record)

A record carries a mac of its own, made with a key that is not in the database, so a row that somebody inserted there
is named as well. What the owner of the database can still do is what checkpoints outside of it are for.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from app.core import audit
from app.core.models import AuditRecord, AuditSeal

LOCK = 5_276_101  # advisory lock: one sealer at a time
BATCH = 2_000  # records sealed by one call
LOOK_BACK = 20_000  # seals: ids commit out of order, and a scan of all history every few seconds would get slower
GENESIS = "0" * 64
COLUMNS = ["id", "mac", *audit.FIELDS]


@dataclass(frozen=True)
class Problem:
    """One thing that does not fit, by the place in the chain where it shows."""

    seq: int | None
    record: int | None
    what: str

    def __str__(self) -> str:
        place = f"seq {self.seq}" if self.seq is not None else "unsealed"
        return f"{place}, record {self.record}: {self.what}"


def seal(*, thorough: bool = False) -> int:
    """Seal unsealed records in the order of their ids; returns how many. `thorough` looks through all of history."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        last = AuditSeal.objects.order_by("-seq").first()
        seq, prev = (last.seq, last.hash) if last else (0, GENESIS)
        made = []
        for values in _unsealed(None if thorough else _floor(seq)):
            if not hmac.compare_digest(audit.mac(values), values["mac"]):
                continue  # not written by us: left for `verify` to name
            seq += 1
            digest = link(seq, prev, values)
            made.append(AuditSeal(seq=seq, record_id=values["id"], prev_hash=prev, hash=digest))
            prev = digest
        AuditSeal.objects.bulk_create(made)
    return len(made)


def link(seq: int, prev_hash: str, values: dict[str, Any]) -> str:
    head = f"{seq}|{prev_hash}|{values['mac']}|".encode()
    return hashlib.sha256(head + audit.content(values)).hexdigest()


def verify() -> Iterator[Problem]:
    """Every problem, in the order of the chain; nothing when all is well. Reads in batches, memory does not grow."""
    seq, prev = 0, GENESIS
    for found in AuditSeal.objects.order_by("seq").values("seq", "record_id", "prev_hash", "hash").iterator(BATCH):
        if found["seq"] != seq + 1:
            yield Problem(seq + 1, None, f"{found['seq'] - seq - 1} seals are missing here")
        seq = found["seq"]
        if found["prev_hash"] != prev:
            yield Problem(seq, found["record_id"], "the chain is broken: this seal does not follow the one before")
        prev = found["hash"]
    yield from _contents()
    yield from _strangers()


def _contents() -> Iterator[Problem]:
    records = _Records()
    for found in AuditSeal.objects.order_by("seq").values("seq", "record_id", "prev_hash", "hash").iterator(BATCH):
        values = records.get(found["record_id"])
        if values is None:
            yield Problem(found["seq"], found["record_id"], "the sealed record is gone")
        elif link(found["seq"], found["prev_hash"], values) != found["hash"]:
            yield Problem(found["seq"], found["record_id"], f"{values['event']} was changed after it was sealed")


def _strangers() -> Iterator[Problem]:
    for values in _unsealed(None, limit=None):
        if not hmac.compare_digest(audit.mac(values), values["mac"]):
            yield Problem(None, values["id"], f"{values['event']} was not written by Countersign")


class _Records:
    """Records by id, fetched a batch of ids at a time, because seals follow ids almost in order."""

    def __init__(self) -> None:
        self.batch: dict[int, dict[str, Any]] = {}
        self.range = (0, -1)

    def get(self, pk: int) -> dict[str, Any] | None:
        low, high = self.range
        if not low <= pk <= high:
            self.range = (pk, pk + BATCH)
            rows = AuditRecord.objects.filter(id__range=self.range).values(*COLUMNS)
            self.batch = {row["id"]: row for row in rows}
        return self.batch.get(pk)


def _floor(seq: int) -> int | None:
    """The id below which nothing is looked for in an ordinary call."""
    old = AuditSeal.objects.filter(seq=seq - LOOK_BACK).values_list("record_id", flat=True).first()
    return old


def _unsealed(floor: int | None, limit: int | None = BATCH) -> Iterator[dict[str, Any]]:
    rows = AuditRecord.objects.filter(~Exists(AuditSeal.objects.filter(record_id=OuterRef("id")))).order_by("id")
    if floor is not None:
        rows = rows.filter(id__gt=floor)
    values = rows.values(*COLUMNS)
    return iter(values[:limit]) if limit else values.iterator(BATCH)
