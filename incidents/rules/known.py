"""A signature that is known and has no remedy of its own: its class and its words, and no more."""

from __future__ import annotations

from incidents.case import Case
from incidents.history import History
from incidents.verdict import Verdict, claim, not_so

UNTOLD = {"test_failed"}  # says that something is wrong, and nothing about why


def signature(case: Case, history: History) -> Verdict | None:
    hit = next((hit for hit in case.decisive if hit.signature.subtype not in UNTOLD), None)
    if hit is None:
        return None
    found, reading = hit.signature, case.reading
    evidence = case.dossier.cites("log", "signature")
    said = claim(f"{found.means} “{hit.text.strip()[:200]}”", *evidence)
    facts = {"signature": found.id, "retryable": found.retryable, "groups": dict(hit.groups)}
    sure = reading.confidence if reading.subtype is found.kind else 0.6
    others = [not_so(rival.means.rstrip("."), "Other lines decide more.", *evidence)
              for rival in reading.rivals if rival.failure_class != found.failure_class]  # fmt: skip
    return Verdict(found.failure_class, found.subtype, found.means, facts, [said], others, min(sure, 0.85))
