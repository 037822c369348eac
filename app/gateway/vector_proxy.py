"""The way to the model that makes vectors: bounded, covered, counted and kept like any call of a model."""

from __future__ import annotations

from app.core.canonical import sha256
from app.core.errors import Invalid
from app.gateway import budget
from app.gateway.cover import covered
from app.gateway.model_proxy import BYTES_A_TOKEN, Reply, ask, from_record, settled
from incidents.bodies import read_object
from integrations.grants import Grant
from integrations.llm import config as models

PATH = "embeddings"
MOST_TEXTS, MAX_REQUEST, MAX_ANSWER = 64, 1_000_000, 8_000_000  # texts, bytes, bytes


def forward(grant: Grant, raw: bytes) -> Reply:
    """The vectors of `{"input": [text, ...]}`. Raises Invalid, OverBudget or NoModel."""
    config = models.embedding()
    if config is None or not grant.model or grant.model != config.connection:
        raise Invalid("The grant names no model for vectors.")
    texts, hidden = covered(_texts(raw))
    body = {"model": config.model, "input": texts, "encoding_format": "float"}
    digest = sha256({"model": config.label, "at": config.address, "body": body})
    if answer := from_record(grant, config, digest):
        return Reply(answer)
    call = budget.book(config, grant, digest, sum(len(text.encode()) for text in texts) // BYTES_A_TOKEN + 1, 0)
    call.covered = hidden
    # A question may be asked again, notes are asked of once: their vectors are kept with them and not here.
    return settled(call, config, ask(call, config, PATH, body, MAX_ANSWER), is_kept=len(texts) == 1)


def _texts(raw: bytes) -> list[str]:
    if len(raw) > MAX_REQUEST:
        raise Invalid(f"A question has at most {MAX_REQUEST} bytes.")
    given = read_object(raw).get("input")
    if not isinstance(given, list) or not 0 < len(given) <= MOST_TEXTS:
        raise Invalid(f"Vectors are made of a list of 1 to {MOST_TEXTS} texts.")
    if not all(isinstance(text, str) and text.strip() for text in given):
        raise Invalid("Each of them is a text.")
    return given
