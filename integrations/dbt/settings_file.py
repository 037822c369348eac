"""The settings file of the user's own scheduler, where it is one of KEY=VALUE lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from integrations.values import Json


def as_set(parameters: Mapping[str, Json], path: str) -> dict[str, Json]:
    """`parameters` with `now` as the file at `path` sets the variable in `env`; unchanged where it sets none."""
    told = _settings(Path(path)) if path and Path(path).is_file() else {}
    return {
        name: {**one, "now": told[one["env"]]} if one.get("env") in told else one for name, one in parameters.items()
    }


def _settings(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return {name.strip(): value.strip() for name, value in (line.split("=", 1) for line in lines)}
