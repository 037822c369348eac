"""Vectors of what entries say, in a table that is there only where the database has pgvector.

The owner of the database makes it (`prepare`, which `manage.py prepare` calls), because the processes may not, and not
a migration, because that must succeed everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import DatabaseError, connection, transaction

from knowledge.among import Among, fetch

# Lengths that models have. Each has an index of its own, made while it is empty; another length is compared one by one.
LENGTHS = (256, 384, 512, 768, 1024, 1536)
WORKING = 7_206_115  # any number: the key of the advisory lock under which vectors are made

_TABLE = """
CREATE TABLE IF NOT EXISTS knowledge_vector (
    entry_id bigint NOT NULL REFERENCES knowledge_entry ON DELETE CASCADE,
    model varchar(160) NOT NULL,
    version integer NOT NULL,
    digest varchar(64) NOT NULL,
    vector vector NOT NULL,
    PRIMARY KEY (entry_id, model))
"""
_INDEX = """
CREATE INDEX IF NOT EXISTS knowledge_vector_{length} ON knowledge_vector
 USING hnsw ((vector::vector({length})) vector_cosine_ops) WHERE vector_dims(vector) = {length}
"""
_NEAR = """
SELECT knowledge_entry.id, 1 - (vector{cast} <=> %s::vector) FROM knowledge_vector
  JOIN knowledge_entry ON knowledge_entry.id = entry_id
 WHERE vector_dims(vector) = {length} AND model = %s AND {visible}
 ORDER BY vector{cast} <=> %s::vector LIMIT %s
"""
_MISSING = """
SELECT entry.id FROM knowledge_entry AS entry LEFT JOIN knowledge_vector AS kept ON entry_id = entry.id AND model = %s
 WHERE state = 'signed' AND readers = '{}' AND (kept.version IS NULL OR kept.version < entry.version)
 ORDER BY entry.id LIMIT %s
"""
_COUNT = """
SELECT count(entry_id), count(*) FROM knowledge_entry AS entry
  LEFT JOIN knowledge_vector ON entry_id = entry.id AND model = %s WHERE state = 'signed' AND readers = '{}'
"""
_KEEP = """
INSERT INTO knowledge_vector (entry_id, model, version, digest, vector) SELECT id, %s, %s, %s, %s::vector
  FROM knowledge_entry WHERE id = %s
    ON CONFLICT (entry_id, model) DO UPDATE
   SET version = excluded.version, digest = excluded.digest, vector = excluded.vector
"""
_FORGET = """
DELETE FROM knowledge_vector USING knowledge_entry AS entry
 WHERE entry.id = entry_id AND (model <> %s OR readers <> '{}' OR state = 'archived')
"""


def prepare() -> None:
    """Make the extension and the table where that is possible, as the owner; nothing where it is not."""
    if not _has("SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'vector')"):
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
            cursor.execute(_TABLE)
            for length in LENGTHS:
                cursor.execute(_INDEX.format(length=length))
    except DatabaseError:
        return  # not ours to make: `refusal` says so where it matters


def is_there() -> bool:
    return _has("SELECT to_regclass('knowledge_vector') IS NOT NULL")


def refusal() -> str:
    """Why no vectors are kept in this database, and what to do; empty where they are."""
    if is_there():
        return ""
    if not _has("SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'vector')"):
        return (
            "The database has no extension pgvector, so notes are found without vectors. Install it on the server"
            " (the embedded one: `--extra vectors`), then start again."
        )
    return "The extension pgvector is not made yet. Run as a superuser: CREATE EXTENSION vector; then start again."


def near(vector: Sequence[float], model: str, among: Among, limit: int) -> list[tuple[int, float]]:
    """Entries and their closeness, -1 to 1, the closest first. Raises DatabaseError, and leaves no broken transaction.

    An index answers with some forty of the closest; which of them may be seen is asked in the same query.
    """
    cast = f"::vector({len(vector)})" if len(vector) in LENGTHS else ""
    query = _NEAR.format(cast=cast, length=len(vector), visible=among.condition)
    with transaction.atomic():
        return [(pk, close) for pk, close in fetch(query, [_text(vector), model, *among.values, _text(vector), limit])]


def missing(model: str, limit: int) -> list[int]:
    """Entries that everybody may see without a vector of their present version. What only some may see is not sent."""
    return [pk for (pk,) in fetch(_MISSING, [model, limit])]


def count(model: str) -> tuple[int, int]:
    """How many entries have a vector, of how many."""
    ((kept, every),) = fetch(_COUNT, [model])
    return kept, every


def same(model: str, versions: dict[int, tuple[int, str]]) -> set[int]:
    """Mark those whose text is the same as before, by entry: version and digest; which these are."""
    done = set()
    with connection.cursor() as cursor:
        for pk, (version, digest) in versions.items():
            cursor.execute(
                "UPDATE knowledge_vector SET version = %s WHERE entry_id = %s AND model = %s AND digest = %s",
                [version, pk, model, digest],
            )
            done |= {pk} if cursor.rowcount else set()
    return done


def keep(entry: int, model: str, version: int, digest: str, vector: Sequence[float]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [model, version, digest, _text(vector), entry])


def forget_others(model: str) -> None:
    """Drop those of another model, and of entries that are no longer for everybody."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [model])


@contextmanager
def one_at_a_time() -> Iterator[bool]:
    """Whether nobody else makes vectors just now."""
    is_mine = _has(f"SELECT pg_try_advisory_lock({WORKING})")
    try:
        yield is_mine
    finally:
        if is_mine:
            _has(f"SELECT pg_advisory_unlock({WORKING})")


def _text(vector: Sequence[float]) -> str:
    return f"[{','.join(map(repr, vector))}]"


def _has(query: str) -> bool:
    return bool(fetch(query, [])[0][0])
