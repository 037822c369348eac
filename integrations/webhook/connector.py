"""The plain door: anything that can post JSON."""

from __future__ import annotations

from integrations.ports import Wiring
from integrations.untrusted import text
from integrations.values import Alert, Health, Json, RunReport
from integrations.webhook import parse


class Connector:
    """EventSource, Testable."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring

    def parse(self, kind: str, payload: Json) -> tuple[RunReport | Alert, ...]:
        return parse.parse(payload, self.wiring.config)

    def fingerprint(self, kind: str, payload: Json) -> str:
        return parse.fingerprint(payload)

    def test(self) -> Health:
        if not text(self.wiring.config.get("namespace")):
            return Health(False, "It has no namespace.", "Enter one, for example jobs://own.")
        return Health(True, "Waits for events.", "Send one with the snippet.")
