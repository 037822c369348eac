"""Plans that want to be read as something else: seeded, so that each can be made again by its number."""

from __future__ import annotations

import random
from typing import Any

Json = dict[str, Any]
MEGABYTE = 1_000_000
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
ZERO = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\ufe0f"
ANSI = ["\x1b[2K\r", "\x1b[31m", "\x1b]8;;http://evil.example\x07", "\x08\x08\x08", "\x9b1A"]
PINGS = ["<!channel>", "<!here>", "<!everyone>", "<@U0001>", "<#C0001>", "@channel", "@here", "<!subteam^S1>"]
LINKS = ["<http://evil.example|Approve>", "[Approve](http://evil.example)", "http://evil.example/?q=<script>",
         "javascript:alert(1)", "<mailto:x@evil.example|lead>"]  # fmt: skip
MARKUP = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</pre><svg/onload=alert(1)>", "*bold* `code`",
          "{{ 7 }}{% load x %}", "&lt;script&gt;", "<style>*{display:none}</style>", "⟨U+202E⟩", "\\u202e"]  # fmt: skip
HOMOGLYPHS = ["rаw.orders", "ｍａｉｎ", "оrders_раid", "ⅾrop"]
SQL = ["DROP TABLE raw.orders", "delete from raw.orders where 1=1", "TRUNCATE raw.orders", "update a set b = 0",
       "GRANT ALL ON raw.orders TO public", "MERGE INTO raw.orders USING x", "alter table a drop column b"]  # fmt: skip


def hostile(number: int) -> tuple[Json, str]:
    """(plan, the destroying statement in it). Every tenth has a megabyte around it."""
    rng = random.Random(f"plan {number}")  # noqa: S311 - a seed, so that it can be made again
    statement = rng.choice(SQL)
    poison = [_piece(rng) for _ in range(6)]
    sql = _around(rng, statement, MEGABYTE if number % 10 == 0 else rng.choice([0, 200, 5_000]))
    diff = "\n".join(["--- a/models/a.sql", "+++ b/models/a.sql", "@@ -1 +1,2 @@", "-select 1", *_added(sql)])
    steps = [
        _step("fork", f"Branch {poison[0]}", "staging", {"assets": [f"lake/{poison[1]}"]}),
        _step("change", f"Patch {poison[2]}", "staging", {"kind": "apply_patch", "diff": diff, "message": poison[3]}),
        _step("publish", f"Publish {poison[4]}", "production", {"assets": [f"lake/{poison[1]}"]}),
        _step("rerun", poison[5], "production", {"jobs": [poison[0]], "select": [], "parameters": {poison[1]: 7}}),
    ]
    caps = {"rows": 100, "tables": 1, "seconds": 60}
    return {
        "action": "patch_code", "title": f"Heal {poison[0]} {poison[3]}", "why": f"It was {poison[5]}",
        "incident": 1042, "root_asset": "lake/raw", "steps": steps, "on_red": "undo", "targets": ["lake/raw"],
        "caps": caps, "window": None,
    }, statement  # fmt: skip


def _piece(rng: random.Random) -> str:
    kinds = [
        *ANSI,
        *PINGS,
        *LINKS,
        *MARKUP,
        *HOMOGLYPHS,
        rng.choice(BIDI),
        rng.choice(ZERO),
        "\r\n",
        "\u2028",
        "\U000e0041",
    ]
    parts = [rng.choice(["raw", "orders", "safe", "a", " ", "noop"]), *rng.sample(kinds, 3), rng.choice(["x", "sdaol"])]
    rng.shuffle(parts)
    return "".join(parts)


def _around(rng: random.Random, statement: str, size: int) -> str:
    """Far to the right of one line, or far below in many."""
    if rng.random() < 0.5:
        return f"select 1{' ' * size}; {statement}"
    filler = "-- harmless\n" * (size // 12)
    return f"{filler}{statement}{rng.choice(BIDI)}\n{filler[: len(filler) // 2]}select {rng.choice(ZERO)}1"


def _added(sql: str) -> list[str]:
    return [f"+{line}" for line in sql.split("\n")]


def _step(kind: str, title: str, where: str, params: Json) -> Json:
    return {"kind": kind, "title": title, "where": where, "connection": "lake", "params": params,
            "action": "patch_code", "undo": "Put it back."}  # fmt: skip
