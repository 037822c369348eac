"""Entries that mean something alike, by vectors. Never waited for: recall stands without, and says nothing of it."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from time import monotonic

import httpx
from django.db import DatabaseError

from app.core.canonical import sha256
from integrations.errors import IntegrationError
from integrations.llm.config import ModelConfig
from integrations.llm.vectors import Vector
from integrations.llm.vectors import vectors as asked_for
from knowledge import vectors
from knowledge.among import Among
from knowledge.by_text import said
from knowledge.embed import configured
from knowledge.rule import Case

log = logging.getLogger(__name__)

# Seconds, 0.3 in all: the gateway is near, and asks the model.
WAIT = httpx.Timeout(connect=0.03, write=0.02, read=0.25, pool=None)
SILENT_S = 30.0  # seconds for which a model that was late or failed is not asked again
KEPT = 500  # vectors of questions in memory
NEAREST = 10  # entries: what is alike in meaning only is never the bulk of what is told

_lock = threading.Lock()
_kept: OrderedDict[str, Vector] = OrderedDict()
_silent_until = 0.0


def by_meaning(case: Case, among: Among) -> dict[int, float]:
    """The closeness, 0 to 1, of the entries closest to what the case says, best first.

    Empty where no model for vectors is configured, the database has no pgvector, or the model is late.
    """
    found = configured()
    text = said(case).strip() if found else ""
    if found is None or not text or not vectors.is_there():
        return {}
    vector = _of_question(found, text)
    if vector is None:
        return {}
    try:
        rows = vectors.near(vector, found.label, among, NEAREST)
    except DatabaseError as error:
        log.warning("vectors: %s", error)
        return {}
    return {pk: close for pk, close in rows if close >= found.least}


def forget() -> None:
    """Ask anew for every question: for tests."""
    global _silent_until
    _kept.clear()
    _silent_until = 0.0


def _of_question(found: ModelConfig, text: str) -> Vector | None:
    global _silent_until
    key = sha256([found.label, found.address, text])
    with _lock:
        if kept := _kept.get(key):
            _kept.move_to_end(key)
            return kept
        if monotonic() < _silent_until:
            return None
    try:
        (vector,) = asked_for(found, [text], timeout=WAIT)
    except IntegrationError as error:
        log.info("%s: %s", found.label, error)
        with _lock:
            _silent_until = monotonic() + SILENT_S
        return None
    with _lock:
        _kept[key] = vector
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return vector
