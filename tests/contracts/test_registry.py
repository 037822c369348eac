"""The registry says of each connector exactly what it can do."""

from __future__ import annotations

import pytest

from integrations import ports, registry
from integrations.errors import Unsupported

PORTS = ("EventSource", "Inspector", "Workloads", "BranchProvider", "PipelineRunner", "Messenger", "LiveMessenger")


@pytest.mark.parametrize("kind", sorted(registry.CONNECTORS))
def test_a_connector_implements_the_ports_that_its_entry_names_and_no_others(kind: str) -> None:
    loaded = registry.load(kind)
    implemented = tuple(port for port in PORTS if issubclass(loaded, getattr(ports, port)))
    assert sorted(implemented) == sorted(registry.entry(kind).ports)


@pytest.mark.parametrize("kind", sorted(registry.CONNECTORS))
def test_every_connection_can_be_tested(kind: str) -> None:
    assert issubclass(registry.load(kind), ports.Testable)


def test_an_unknown_kind_is_refused_and_the_known_ones_are_listed() -> None:
    with pytest.raises(Unsupported, match="dbt, duckdb, email, embedding, git, iceberg"):
        registry.load("airflow")


def test_every_entry_can_be_shown() -> None:
    for entry in registry.CONNECTORS.values():
        assert entry.label and entry.icon.startswith("i-") and entry.sentence.endswith(".")
        assert len({field.name for field in entry.fields}) == len(entry.fields)
        assert all(field.label for field in entry.fields)
