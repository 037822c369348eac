"""A language model as a connection: its key is in the vault, and the gateway alone adds it to a call."""

from __future__ import annotations

import httpx
from django.conf import settings

from app.core.errors import Invalid
from integrations import gateway_client, grants
from integrations.llm import config
from integrations.llm.config import ANTHROPIC
from integrations.ports import Wiring
from integrations.values import Health

TIMEOUT_S = 60.0  # seconds: a local model may have to be loaded first
QUESTION = "Answer with the one word: ready"


class Connector:
    """*Try it* asks the model for one word, by the same way that the agent goes."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring

    def test(self) -> Health:
        try:
            found = config.current()
        except Invalid as error:
            return Health(False, str(error), "Correct the settings under Settings › Models.")
        if found is None or found.connection != self.wiring.name:
            return Health(False, "Another model is in use.", "Switch the other one off under Settings › Connections.")
        try:
            answer = self._ask(found)
        except httpx.HTTPError as error:
            return Health(False, f"The gateway did not answer: {type(error).__name__}.", "Look at `manage.py doctor`.")
        if not answer.is_success:
            return Health(False, _said(answer), "Check the name, the address and the key.")
        return Health(True, f"{found.label} answered in {answer.elapsed.total_seconds():.1f} s.")

    def _ask(self, found: config.ModelConfig) -> httpx.Response:
        token = grants.mint(None, [], [], model=found.connection)
        body = {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 200}
        path = "messages" if found.provider == ANTHROPIC else "chat/completions"
        with httpx.Client(timeout=TIMEOUT_S, transport=gateway_client.TRANSPORT, trust_env=False) as http:
            headers = {"Authorization": f"Bearer {token}"}
            return http.post(f"{settings.GATEWAY_URL}/model/v1/{path}", json=body, headers=headers)


def _said(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return f"The gateway answered {answer.status_code}."
