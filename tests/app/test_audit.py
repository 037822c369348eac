from __future__ import annotations

import pytest
from django.db import Error, transaction

from app.core import audit
from app.core.models import AuditRecord

DETAIL = {"ü": [1, None, 2.5, 1e300, float("nan")], "nul": "a\0b", "deep": {"t": (True,)}}


@pytest.mark.django_db
def test_a_record_read_back_has_the_bytes_that_were_marked() -> None:
    row = audit.record("person.created", "ada", actor=audit.SYSTEM, source="command", detail=DETAIL)
    row.refresh_from_db()
    assert audit.mac(vars(row)) == row.mac


@pytest.mark.django_db
def test_records_can_be_neither_changed_nor_deleted() -> None:
    audit.record("person.created", "ada", actor=audit.SYSTEM, source="command")
    for change in (lambda: AuditRecord.objects.update(reason="x"), lambda: AuditRecord.objects.all().delete()):
        with pytest.raises(Error), transaction.atomic():
            change()


@pytest.mark.django_db
def test_an_unknown_event_stops_what_it_would_describe() -> None:
    with pytest.raises(KeyError):
        audit.record("made.up", "ada", actor=audit.SYSTEM, source="command")
