"""Make the vectors of entries that have none: by a worker, after an entry was saved and by the clock."""

from __future__ import annotations

import logging
from time import monotonic

from app.core.canonical import sha256
from app.core.errors import Invalid
from integrations.errors import IntegrationError
from integrations.llm import config as models
from integrations.llm.config import ModelConfig
from integrations.llm.vectors import vectors as asked_for
from knowledge import vectors
from knowledge.hints import parse
from knowledge.models import Entry

log = logging.getLogger(__name__)

BATCH = 32  # entries in one call of the model
TEXT = 6_000  # characters of an entry that are read: below what models take
LONGEST_S = 240.0  # for one ring, below what a task may take; the next goes on


def embed_missing() -> int:
    """How many vectors were made. Where the model fails it stops; the next ring tries again."""
    found = configured()
    if found is None or not vectors.is_there():
        return 0
    made, end = 0, monotonic() + LONGEST_S
    with vectors.one_at_a_time() as is_mine:
        if not is_mine:
            return 0
        vectors.forget_others(found.label)
        while monotonic() < end and (batch := vectors.missing(found.label, BATCH)):
            try:
                made += _embed(found, batch)
            except IntegrationError as error:
                log.warning("%s: %s", found.label, error)
                break
    return made


def configured() -> ModelConfig | None:
    """The model for vectors, where there is one that can be used."""
    try:
        return models.embedding()
    except Invalid:
        return None  # Settings says what is wrong


def text_of(entry: Entry) -> str:
    return "\n".join([entry.title, entry.body, *(hint.sentence for hint in parse(entry.hints))])[:TEXT]


def _embed(found: ModelConfig, batch: list[int]) -> int:
    rows = list(Entry.objects.filter(pk__in=batch))
    digests = {row.pk: sha256(text_of(row)) for row in rows}
    same = vectors.same(found.label, {row.pk: (row.version, digests[row.pk]) for row in rows})
    new = [row for row in rows if row.pk not in same]
    made = asked_for(found, [text_of(row) for row in new]) if new else []
    for row, vector in zip(new, made, strict=True):
        vectors.keep(row.pk, found.label, row.version, digests[row.pk], vector)
    return len(new)
