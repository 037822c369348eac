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
), told AS MATERIALIZED (  -- a limit keeps the planner from reading all words for the few that are asked
    SELECT asked.lexeme, worth, own.lexeme AS own, own.entries FROM asked
      LEFT JOIN LATERAL (SELECT lexeme, entries FROM knowledge_word
                          WHERE knowledge_word.lexeme = asked.lexeme AND entries > 0 LIMIT 1) AS own ON true
), unknown AS MATERIALIZED (
    SELECT lexeme, worth FROM told WHERE own IS NULL AND worth = 1 AND char_length(lexeme) BETWEEN 5 AND 30
     ORDER BY char_length(lexeme) DESC, lexeme LIMIT 4
)
SELECT lexeme, own, entries, worth, (SELECT reltuples::bigint FROM pg_class WHERE oid = 'knowledge_entry'::regclass)
  FROM told WHERE own IS NOT NULL
 UNION ALL
SELECT unknown.lexeme, near.lexeme, near.entries, unknown.worth * near.alike ^ 2, 0
  FROM unknown CROSS JOIN LATERAL (
        SELECT lexeme, entries, similarity(lexeme, unknown.lexeme) AS alike FROM knowledge_word
         WHERE abs(char_length(lexeme) - char_length(unknown.lexeme)) <= 2
           AND left(lexeme, 1) IN (left(unknown.lexeme, 1), substr(unknown.lexeme, 2, 1))  -- cheap, before trigrams
           AND lexeme %% unknown.lexeme AND entries > 0
         ORDER BY alike DESC, lexeme LIMIT 2) AS near
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
    return max((row[4] for row in rows), default=0), found


def _run(query: str, values: Sequence[str | int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
