"""Entries whose rule holds for a case, found by a key of it or by text that the log must hold."""

from __future__ import annotations

from knowledge.among import Among, fetch
from knowledge.index import is_narrow, keys
from knowledge.rule import TEXT_LIMIT, Case, Why, matches

HEAD = 5  # characters
SEPARATOR = chr(31)  # of texts that are sent as one, because an array of thousands is slow to write
CANDIDATES = 600  # entries whose rule is tried, those with a narrow key first

_KEYED = """
(SELECT knowledge_entry.id, rule FROM knowledge_entry WHERE anchors && %s::varchar[] AND {visible}
  ORDER BY anchors && %s::varchar[] DESC, updated_at DESC LIMIT %s)
"""
# An array, because a join would read the table: every text is tried, but from its index alone. Those that do not
# begin like anything in the log are left out first, by hash, because a long log is slow to search
# (the CASE keeps this order).
_SAID = """
(SELECT knowledge_entry.id, rule FROM knowledge_entry WHERE {visible} AND knowledge_entry.id = ANY(ARRAY(
    SELECT id FROM knowledge_entry
     WHERE needle <> '' AND CASE WHEN char_length(needle) < %s OR left(needle, %s) = ANY(string_to_array(%s, chr(31)))
                                 THEN strpos(%s, needle) > 0 ELSE false END)) LIMIT %s)
 UNION ALL
"""


def by_rule(case: Case, among: Among) -> dict[int, Why]:
    """Why the rule of each entry holds, with an asset at any distance. One query."""
    asked = keys(case)
    narrow = [key for key in asked if is_narrow(key)]
    query, values = _KEYED, [asked, *among.values, narrow, CANDIDATES]
    if case.error:
        log = case.error[-TEXT_LIMIT:].lower()
        heads = SEPARATOR.join({log[at : at + HEAD] for at in range(len(log))})
        query, values = _SAID + _KEYED, [*among.values, HEAD, HEAD, heads, log, CANDIDATES, *values]
    rows = fetch(query.format(visible=among.condition), values)
    far = max(case.assets.values(), default=0)
    return {pk: why for pk, rule in rows if (why := matches(rule, case, reach=far))}
