"""One dbt invocation: its profile, its selection, its command line, its artifacts."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import yaml

from integrations.dbt.naming import BUILT, Names, nodes_of
from integrations.effects import Receipt
from integrations.errors import Refused
from integrations.values import AssetRef, Json

ARTIFACTS = ("run_results", "manifest", "sources")


@runtime_checkable
class WarehouseFile(Protocol):
    """An engine that is one file, so that it can be copied to rehearse and put back as it was."""

    path: Path
    namespace: str
    uri: str

    def copy_to(self, target: Path) -> Path: ...
    def digest(self) -> str: ...
    def backup(self, kept: Path) -> str: ...
    def restore(self, receipt: Receipt) -> None: ...


def write_profile(project: Path, target: str, warehouse: Path | None, folder: Path) -> Path:
    """The project's own profile with its warehouse file replaced; returns the folder to give to dbt.

    Raises `Refused` when the profile or the target is missing.
    """
    outputs, name = _outputs(project)
    if target not in outputs:
        raise Refused(f"The profile has no target {target!r}; it has {', '.join(sorted(outputs))}.")
    chosen = dict(outputs[target])
    if warehouse is not None:
        chosen["path"] = str(warehouse)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "profiles.yml").write_text(yaml.safe_dump({name: {"target": target, "outputs": {target: chosen}}}))
    return folder


def targets(project: Path) -> tuple[str, ...]:
    return tuple(_outputs(project)[0])


def command(project: Path, profiles: Path, artifacts: Path, select: Sequence[str]) -> list[str]:
    """Its own target and log folders, because every invocation overwrites what is in them."""
    words = [sys.executable, "-P", "-c", "from dbt.cli.main import cli; cli()"]
    words += ["--log-format", "json", "--no-use-colors", "--log-level-file", "none", "build"]
    words += ["--project-dir", str(project), "--profiles-dir", str(profiles)]
    words += ["--target-path", str(artifacts), "--log-path", str(artifacts)]
    return words + (["--select", *select] if select else [])


def selection(assets: Sequence[AssetRef], manifest: Json | None, names: Names) -> list[str]:
    """Each asset, everything downstream of it and what that is built from, in dbt's words.

    The ancestors come along because a rehearsal may begin between a load and the build that follows it: yesterday's
    side of a join would make today's side look wrong. An asset that no manifest knows is named as it is.
    """
    known = {
        names.asset(node): node
        for node in nodes_of(manifest or {}).values()
        if node.get("resource_type") in (*BUILT, "source")
    }
    return [f"@{_selector(asset, known.get(asset), names)}" for asset in assets]


def variable_of(uri: str, prefix: str = "SNAPSHOT_") -> str:
    """`iceberg://lake/raw.orders` is pinned by SNAPSHOT_RAW_ORDERS."""
    return prefix + re.sub(r"[^A-Za-z0-9]", "_", uri.rpartition("/")[2]).upper()


def artifacts_in(folder: Path) -> Json:
    """What the run wrote; a part that is missing or cut off is left out."""
    found: Json = {}
    for name in ARTIFACTS:
        try:
            found[name] = json.loads((folder / f"{name}.json").read_text())
        except (FileNotFoundError, ValueError):
            continue
    return found


def _selector(asset: AssetRef, node: Mapping[str, Any] | None, names: Names) -> str:
    if node and node.get("resource_type") == "source":
        return f"source:{node['source_name']}.{node['name']}"
    if node and node.get("fqn"):
        return f"fqn:{'.'.join(node['fqn'])}"
    name = asset.name.rpartition(".")[2]
    source = next((source for source, namespace in names.sources.items() if namespace == asset.namespace), "")
    return f"source:{source}.{name}" if source else name


def _outputs(project: Path) -> tuple[dict[str, Any], str]:
    try:
        name = str(yaml.safe_load((project / "dbt_project.yml").read_text())["profile"])
        profile = yaml.safe_load((project / "profiles.yml").read_text())[name]
        return dict(profile["outputs"]), name
    except (FileNotFoundError, KeyError, TypeError, yaml.YAMLError) as error:
        raise Refused(f"The project's profile cannot be read: {type(error).__name__} at {error}.") from error
