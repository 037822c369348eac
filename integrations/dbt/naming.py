"""dbt's names and ours: which asset a node of the manifest is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.untrusted import comment
from integrations.values import AssetRef, Json

BUILT = ("model", "seed", "snapshot")
JOB = "build"  # name of the asset that stands for a run of the project


@dataclass(frozen=True)
class Names:
    """Where the parts of a project belong."""

    # Of the project itself: its job, its exposures.
    namespace: str
    # Of what it builds.
    engine: str
    # dbt source name to the namespace that holds its tables; other sources are in the engine.
    sources: Mapping[str, str] = field(default_factory=dict)
    # Folder of the project in its repository, "" for the top.
    folder: str = ""
    # Schema of models whose manifest is not known.
    schema: str = "main"

    @property
    def job(self) -> AssetRef:
        return AssetRef(self.namespace, JOB)

    def asset(self, node: Mapping[str, Any]) -> AssetRef:
        kind = node.get("resource_type")
        if kind == "source":
            space = self.sources.get(str(node.get("source_name")), self.engine)
            return AssetRef(space, f"{node.get('schema')}.{node.get('identifier') or node.get('name')}")
        if kind in BUILT:
            return AssetRef(self.engine, f"{node.get('schema')}.{node.get('alias') or node.get('name')}")
        return AssetRef(self.namespace, str(node.get("name") or JOB))

    def unknown(self, unique_id: str) -> AssetRef:
        """The best guess for a node that no manifest describes: `model.shop.orders`, `source.shop.raw.orders`."""
        kind, *rest = unique_id.split(".")
        if kind == "source" and len(rest) >= 3:
            return AssetRef(self.sources.get(rest[1], self.engine), f"{rest[1]}.{rest[-1]}")
        if kind in BUILT and len(rest) >= 2:
            return AssetRef(self.engine, f"{self.schema}.{rest[-1]}")
        return self.job

    def path(self, node: Mapping[str, Any]) -> str:
        path = str(node.get("original_file_path") or "")
        return f"{self.folder}/{path}" if self.folder and path else path


def nodes_of(manifest: Json) -> dict[str, Json]:
    """Every node, source and exposure by unique id."""
    return {uid: node for part in ("nodes", "sources", "exposures") for uid, node in (manifest.get(part) or {}).items()}


_KEPT = (
    *(
        "resource_type",
        "name",
        "alias",
        "schema",
        "identifier",
        "source_name",
        "source_description",
        "original_file_path",
    ),
    *(
        "relation_name",
        "checksum",
        "fqn",
        "tags",
        "description",
        "attached_node",
        "column_name",
        "owner",
        "url",
        "label",
        "source_meta",
        "type",
    ),
)
_KEPT_CONFIG = ("materialized", "meta", "group", "severity", "contract", "enabled")


def slim_manifest(manifest: Json) -> Json:
    """Without code and macros, which make up most of it; what is left reads the same through `parse`."""
    slim: Json = {"metadata": dict(manifest.get("metadata") or {}), "groups": manifest.get("groups") or {}}
    for part in ("nodes", "sources", "exposures"):
        slim[part] = {uid: _slim_node(node) for uid, node in (manifest.get(part) or {}).items()}
    return slim


def _slim_node(node: Json) -> Json:
    slim = {name: node[name] for name in _KEPT if node.get(name) not in (None, "", [], {})}
    slim["depends_on"] = {"nodes": (node.get("depends_on") or {}).get("nodes") or []}
    slim["config"] = {
        name: value for name, value in (node.get("config") or {}).items() if name in _KEPT_CONFIG and value
    }
    slim["columns"] = {
        name: {
            "name": column.get("name", name),
            "data_type": column.get("data_type") or "",
            "description": comment(column.get("description")),
        }
        for name, column in (node.get("columns") or {}).items()
    }
    if test := node.get("test_metadata"):
        slim["test_metadata"] = {"name": test.get("name"), "kwargs": test.get("kwargs") or {}}
    if node.get("meta"):
        slim["meta"] = node["meta"]
    return slim
