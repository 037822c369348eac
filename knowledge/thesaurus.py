"""Words that data teams use for one thing. Used to widen a question, never to change a note."""

from __future__ import annotations

import re

# One line a meaning; any word of a line finds the others. Plain words, stemmed by the search itself.
GROUPS = """
late delayed overdue behind stale lag slow tardy
missing absent empty gone lost nothing none
duplicate double twice repeated copies
fail broken crash error abort dies stops down
timeout hang stuck unanswered expired
retry rerun again repeat restart
wrong incorrect bad invalid garbage corrupt
renamed changed moved replaced
permission access denied forbidden unauthorized grant rights
memory oom ram heap
window hours nightly maintenance schedule
currency yen dollar euro fx exchange
total sum amount revenue
spike jump increase surge higher rise
drop fall decrease lower dip
expected intended purpose deliberate planned normal
ask contact call owner responsible who
key token secret credential password header
throttle quota limit ratelimit 429
null blank empty unset
column field attribute
table relation dataset feed
delete remove purge drop truncate
file sheet spreadsheet csv
deploy release rollout migration upgrade
freeze lock hold audit
""".strip()
_WORD = re.compile(r"[a-z0-9]+")
_LINES = [line.split() for line in GROUPS.splitlines()]
MEANINGS: dict[str, set[str]] = {}
for _line in _LINES:
    for _word in _line:
        MEANINGS.setdefault(_word, set()).update(_line)


def widened(text: str) -> list[str]:
    """Other words for what the text says, each once, without its own."""
    own = {form for word in _WORD.findall(text.lower()) for form in _forms(word)}
    found = {other for word in own for other in MEANINGS.get(word, ())}
    return sorted(found - own)


def _forms(word: str) -> set[str]:
    """The word, and what it may be a form of."""
    cut = {word.removesuffix(end) for end in ("s", "es", "d", "ed", "ing") if word.endswith(end)}
    return {word, *cut, *(f"{stem}e" for stem in cut)}
