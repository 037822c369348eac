from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from django.db import connection

from app.core import audit, seal
from app.core.models import AuditRecord

SEED = 20261120
RECORDS, TAMPERS = 200, 500


@pytest.fixture
def trail(db: None) -> list[int]:
    for n in range(RECORDS):
        audit.record("person.created", f"person {n}", actor=audit.SYSTEM, source="command", detail={"n": n})
    assert seal.seal() == RECORDS
    return list(AuditRecord.objects.order_by("id").values_list("id", flat=True))


def test_a_clean_trail_has_no_problem_and_is_sealed_once(trail: list[int]) -> None:
    assert list(seal.verify()) == []
    assert seal.seal() == 0


def test_500_random_tampers_by_a_superuser_are_500_found_at_their_place(trail: list[int]) -> None:
    chance = random.Random(SEED)  # noqa: S311  a seeded choice of tampers, no secret
    tampers: list[Callable[[random.Random, int], int | None]] = [flip, delete, insert]
    found = 0
    for _ in range(TAMPERS):
        victim, tamper = chance.choice(trail), chance.choice(tampers)
        with superuser() as undo:
            place = tamper(chance, victim)
            problems = list(seal.verify())
            found += bool(problems) and problems[0].record == place
            undo()
    assert found == TAMPERS
    assert list(seal.verify()) == []


@pytest.mark.parametrize("column", [f.attname for f in AuditRecord._meta.concrete_fields])
def test_a_change_of_any_column_is_named(trail: list[int], column: str) -> None:
    with superuser() as undo:
        place = flip(random.Random(SEED), trail[100], column)  # noqa: S311
        assert [problem.record for problem in seal.verify()] == [place]
        undo()


class superuser:
    """Triggers off, as only the database's superuser can; `undo` puts the rows back."""

    def __enter__(self) -> Callable[[], None]:
        run("SAVEPOINT tamper; SET LOCAL session_replication_role = replica")
        return lambda: run("ROLLBACK TO SAVEPOINT tamper")

    def __exit__(self, *_: object) -> None:
        run("SET LOCAL session_replication_role = origin")


TYPED = {
    "id": "id + 1000000",
    "event_id": "gen_random_uuid()",
    "time": "time + interval '1 microsecond'",
    "correlation": "coalesce(correlation, 0) + 1",
}
DOCUMENTS = {"actor", "session", "source", "subject", "detail"}


def flip(chance: random.Random, victim: int, column: str | None = None) -> int:
    column = column or chance.choice([f.attname for f in AuditRecord._meta.concrete_fields])
    other = TYPED.get(column) or (
        f"{column} || '{{\"x\": 1}}'::jsonb" if column in DOCUMENTS else f"overlay({column} placing '~' from 1 for 1)"
    )
    run(f'UPDATE core_auditrecord SET "{column}" = {other} WHERE id = %s', victim)
    return victim


def delete(chance: random.Random, victim: int) -> int:
    run("DELETE FROM core_auditrecord WHERE id = %s", victim)
    return victim


def insert(chance: random.Random, victim: int) -> int | None:
    names = ", ".join(
        f'"{f.attname}"' for f in AuditRecord._meta.concrete_fields if f.attname not in {"id", "event_id"}
    )
    run(
        f"INSERT INTO core_auditrecord (event_id, {names}) "
        f"SELECT gen_random_uuid(), {names} FROM core_auditrecord WHERE id = %s",
        victim,
    )
    return AuditRecord.objects.order_by("-id").values_list("id", flat=True).first()


def run(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
