"""Vectors of texts, asked of the gateway, which alone holds the key."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import httpx
from django.conf import settings

from app.core.errors import Invalid
from integrations import gateway_client, grants
from integrations.errors import IntegrationError, Unreachable
from integrations.llm import config
from integrations.llm.config import ModelConfig
from integrations.ports import Wiring
from integrations.values import Health

TIMEOUT_S = 60.0  # seconds: a local model may have to be loaded first
MOST = 4_000  # numbers of one vector; models have some hundreds to three thousand
Vector = tuple[float, ...]


def vectors(found: ModelConfig, texts: Sequence[str], *, timeout: float | httpx.Timeout = TIMEOUT_S) -> list[Vector]:
    """One for each text, all of one length. Raises IntegrationError where they are late, missing or none."""
    token = grants.mint(None, [], [], model=found.connection)
    try:
        with httpx.Client(timeout=timeout, transport=gateway_client.TRANSPORT, trust_env=False) as http:
            answer = http.post(
                f"{settings.GATEWAY_URL}/model/v1/embeddings",
                json={"input": list(texts)},
                headers={"Authorization": f"Bearer {token}"},
            )
    except httpx.HTTPError as error:
        raise Unreachable(f"The gateway did not answer: {type(error).__name__}.") from error
    if not answer.is_success:
        raise IntegrationError(_said(answer))
    return _read(answer.json(), len(texts))


class Connector:
    """*Try it* asks for the vector of one word."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring

    def test(self) -> Health:
        try:
            found = config.embedding()
            if found is None or found.connection != self.wiring.name:
                return Health(False, "Another model is in use.", "Switch the other one off under Connections.")
            (vector,) = vectors(found, ["ready"])
        except Invalid as error:
            return Health(False, str(error), "Correct the settings under Settings › Models.")
        except IntegrationError as error:
            return Health(False, str(error), "Check the name, the address and the key.")
        return Health(True, f"{found.label} answered with a vector of {len(vector)} numbers.")


def _read(body: Any, count: int) -> list[Vector]:
    try:
        rows = sorted(body["data"], key=lambda row: row["index"])
        found = [tuple(float(number) for number in row["embedding"]) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrationError("The model answered with something that is no vector.") from error
    lengths = {len(one) for one in found}
    if len(found) != count or len(lengths) != 1 or not 2 <= lengths.pop() <= MOST:
        raise IntegrationError("The model answered with other vectors than were asked for.")
    if not all(isfinite(number) for one in found for number in one) or not all(any(one) for one in found):
        raise IntegrationError("The model answered with something that is no vector.")
    return found


def _said(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return f"The gateway answered {answer.status_code}."
