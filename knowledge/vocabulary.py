"""The words of all entries and in how many each is, kept up to date with every save."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from knowledge.models import CONFIG

LONGEST = 60  # characters of a word that is counted

# In one order, so that two savers never wait for each other.
_LEARN = """
INSERT INTO knowledge_word (lexeme, entries)
SELECT lexeme, 1 FROM unnest((SELECT search FROM knowledge_entry WHERE id = %s))
 WHERE char_length(lexeme) <= %s ORDER BY lexeme
    ON CONFLICT (lexeme) DO UPDATE SET entries = knowledge_word.entries + 1
"""
_FORGET = """
WITH held AS (
    SELECT lexeme FROM knowledge_word
     WHERE lexeme IN (SELECT lexeme FROM unnest((SELECT search FROM knowledge_entry WHERE id = %s)))
       AND char_length(lexeme) <= %s ORDER BY lexeme FOR UPDATE)
UPDATE knowledge_word SET entries = entries - 1 WHERE lexeme IN (SELECT lexeme FROM held)
"""
_COUNT_ALL = """
INSERT INTO knowledge_word (lexeme, entries)
SELECT word, ndoc FROM ts_stat('SELECT search FROM knowledge_entry') WHERE char_length(word) <= %s
"""
# Each word of a question with its count; a word that no entry has, with the most alike that one has.
_LOOK_UP = """
WITH asked AS (
    SELECT lexeme, max(worth) AS worth FROM (
        SELECT lexeme, 1.0 AS worth FROM unnest(to_tsvector(%s::regconfig, %s))
         UNION ALL SELECT lexeme, 0.5 FROM unnest(to_tsvector(%s::regconfig, %s))) AS both_texts
     GROUP BY lexeme
), unknown AS (
    SELECT lexeme FROM asked WHERE worth = 1 AND char_length(lexeme) BETWEEN 5 AND 30
       AND NOT EXISTS (SELECT FROM knowledge_word own WHERE own.lexeme = asked.lexeme AND own.entries > 0)
     ORDER BY char_length(lexeme) DESC, lexeme LIMIT 4
)
SELECT asked.lexeme, coalesce(own.lexeme, near.lexeme), coalesce(own.entries, near.entries),
       max(asked.worth * CASE WHEN own.lexeme IS NULL THEN near.alike ^ 2 ELSE 1 END),
       (SELECT reltuples::bigint FROM pg_class WHERE oid = 'knowledge_entry'::regclass)
  FROM asked
  LEFT JOIN knowledge_word own ON own.lexeme = asked.lexeme AND own.entries > 0
  LEFT JOIN LATERAL (
        SELECT lexeme, entries, similarity(lexeme, asked.lexeme) AS alike FROM knowledge_word
         WHERE asked.lexeme IN (SELECT unknown.lexeme FROM unknown)
           AND abs(char_length(lexeme) - char_length(asked.lexeme)) <= 2
           AND left(lexeme, 1) IN (left(asked.lexeme, 1), substr(asked.lexeme, 2, 1))  -- cheap, before trigrams
           AND lexeme %% asked.lexeme AND entries > 0
         ORDER BY alike DESC, lexeme LIMIT 2) near ON true
 WHERE coalesce(own.lexeme, near.lexeme) IS NOT NULL
 GROUP BY 1, 2, 3
"""


def learn(entry: int) -> None:
    """Count the words of an entry, once it is saved."""
    _run(_LEARN, [entry, LONGEST])


def forget(entry: int) -> None:
    """Uncount them, before it is saved again."""
    _run(_FORGET, [entry, LONGEST])


def count_all() -> None:
    """Count from nothing, after rows came in by another way."""
    _run("DELETE FROM knowledge_word", [])
    _run(_COUNT_ALL, [LONGEST])


def look_up(text: str, other: str) -> tuple[int, list[tuple[str, str, int, float]]]:
    """About how many entries there are; and of each word of `text`, and of `other` for half as much, those in some:

    (as asked, as entries have it, in how many, worth).
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOOK_UP, [CONFIG, text, CONFIG, other])
        rows = cursor.fetchall()
    found = [(asked, lexeme, entries, float(worth)) for asked, lexeme, entries, worth, _ in rows]
    return (rows[0][4] if rows else 0), found


def _run(query: str, values: Sequence[str | int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
