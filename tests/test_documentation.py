"""The README and the tables of the code say the same things."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from celery import current_app

from app.core import audit
from app.core.lifecycle import NEXT
from integrations import registry

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
OURS = "\n".join(
    path.read_text()
    for chapter in ("app", "incidents", "knowledge", "approvals", "integrations")
    for path in (ROOT / chapter).rglob("*.py")
)


@pytest.mark.parametrize("kind", [entry.kind for entry in registry.entries()])
def test_the_readme_says_how_to_connect_each_kind(kind: str) -> None:
    section = README.split("## Connect a tool")[1].split("\n## ")[0].lower()
    assert f"`{kind}`" in section or f"| {kind} " in section


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "app/management/commands").glob("[a-z]*.py")))
def test_the_readme_names_each_command(name: str) -> None:
    assert f"manage.py {name}" in README


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r'env_\w+\(\s*"([A-Z_]+)"', (ROOT / "app/settings.py").read_text())))
)
def test_the_readme_names_each_setting(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("event", [name for name in audit.EVENTS if not name.startswith(("incident.", "proposal."))])
def test_each_audit_event_is_recorded_somewhere(event: str) -> None:
    kind = event.split(".")[0]
    assert f'"{event}"' in OURS.replace(f'    "{event}": (', "") or f'f"{kind}.{{' in OURS


@pytest.mark.parametrize(
    "task", sorted(set(NEXT.values()) | {entry["task"] for entry in current_app.conf.beat_schedule.values()})
)
def test_each_bell_has_a_task(task: str) -> None:
    module, _, name = task.rpartition(".")
    assert callable(getattr(import_module(module), name))


def test_the_readme_has_the_sections_that_a_newcomer_needs() -> None:
    titles = [
        "Run it",
        "The story",
        "The layers",
        "Connect a tool",
        "Operate",
        "Add a connector",
        "Glossary",
        "Decisions",
    ]
    assert [title for title in titles if f"## {title}" not in README] == []
