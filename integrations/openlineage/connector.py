"""The OpenLineage door: any tool that speaks OpenLineage, connected by two variables."""

from __future__ import annotations

from integrations.openlineage import parse
from integrations.ports import Wiring
from integrations.untrusted import mapping, text
from integrations.values import Alert, Health, Json, RunReport


class Connector:
    """EventSource, Testable."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring

    def parse(self, kind: str, payload: Json) -> tuple[RunReport | Alert, ...]:
        return parse.parse(payload, self.wiring.config)

    def fingerprint(self, kind: str, payload: Json) -> str:
        """A run event is itself by run, type, time and job (formats.md section 1); any other by its bytes."""
        return parse.fingerprint(payload)

    def test(self) -> Health:
        if not text(self.wiring.config.get("namespace")):
            return Health(False, "It has no namespace.", "Enter one, for example jobs://airflow.")
        aliases = mapping(self.wiring.config.get("aliases"))
        return Health(True, f"Waits for run events; {len(aliases)} namespace aliases.", "Send one with the snippet.")
