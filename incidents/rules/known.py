"""A signature that is known and has no remedy of its own: its class and its words, and no more."""

from __future__ import annotations

from incidents.case import Case
from incidents.history import History
from incidents.verdict import Verdict, claim

UNTOLD = {"test_failed"}  # says that something is wrong, and nothing about why


def signature(case: Case, history: History) -> Verdict | None:
    hit = next((hit for hit in case.decisive if hit.signature.subtype not in UNTOLD), None)
    if hit is None:
        return None
    found = hit.signature
    said = claim(f"{found.means} “{hit.text.strip()[:200]}”", *case.dossier.cites("log", "signature"))
    facts = {"signature": found.id, "retryable": found.retryable, "groups": dict(hit.groups)}
    return Verdict(found.failure_class, found.subtype, found.means, facts, [said], [], 0.6)
