"""What a manifest teaches about assets: owners, columns, files, lineage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.dbt.naming import BUILT, Names, nodes_of
from integrations.untrusted import comment
from integrations.values import AssetFact, AssetRef, Column, Json

CHECKSUM = 16  # characters that tell two versions of one file apart


def facts_of(manifest: Json, names: Names) -> tuple[AssetFact, ...]:
    nodes, groups = nodes_of(manifest), _groups(manifest)
    checks = _checks(nodes)
    shown = {uid: node for uid, node in nodes.items() if node.get("resource_type") in (*BUILT, "source", "exposure")}
    job = AssetFact(names.job, "job", meta={"engine": "dbt"})
    return (job, *(_fact(uid, node, names, nodes, groups, checks.get(uid, [])) for uid, node in shown.items()))


def tested_node(node: Mapping[str, Any]) -> str:
    """The node that a test is about."""
    depends = (node.get("depends_on") or {}).get("nodes") or []
    return str(node.get("attached_node") or (depends[-1] if depends else ""))


def _fact(uid: str, node: Json, names: Names, nodes: Json, groups: Json, checks: list[str]) -> AssetFact:
    kind, config = str(node["resource_type"]), node.get("config") or {}
    meta: Json = {"unique_id": uid, "tags": list(node.get("tags") or [])}
    meta |= {name: config[name] for name in ("materialized", "group") if config.get(name)}
    meta |= {name: node[name] for name in ("url", "source_name") if node.get(name)}
    if said := {**(node.get("meta") or {}), **(config.get("meta") or {})}:
        meta["said"] = {str(name): value for name, value in said.items() if name != "owner"}
    if checks:
        meta["checks"] = checks
    if checksum := (node.get("checksum") or {}).get("checksum"):
        meta["checksum"] = str(checksum)[:CHECKSUM]
    return AssetFact(
        names.asset(node),
        {"exposure": "dashboard", "source": "table", "seed": "seed"}.get(kind, "model"),
        _owner(node, groups),
        str(node.get("description") or node.get("source_description") or ""),
        names.path(node),
        _upstream(node, names, nodes),
        tuple(
            Column(str(c.get("name") or n), str(c.get("data_type") or ""), comment=comment(c.get("description")))
            for n, c in (node.get("columns") or {}).items()
        ),
        meta,
    )


def _upstream(node: Json, names: Names, nodes: Json) -> tuple[AssetRef, ...]:
    parents = (node.get("depends_on") or {}).get("nodes") or []
    return tuple(names.asset(nodes[parent]) for parent in parents if parent in nodes)


def _owner(node: Json, groups: Json) -> Json:
    """Said at the node, else of its group, else at its source."""
    config = node.get("config") or {}
    for place in (node.get("owner"), (config.get("meta") or {}).get("owner"), (node.get("meta") or {}).get("owner")):
        if place:
            return _person(place)
    group = groups.get(str(config.get("group") or node.get("group") or ""))
    return _person(group or (node.get("source_meta") or {}).get("owner") or {})


def _person(value: Any) -> Json:
    if isinstance(value, str):
        return {"email": value} if "@" in value else {"name": value}
    if not isinstance(value, Mapping):
        return {}
    return {name: str(value[name]) for name in ("name", "email", "slack") if value.get(name)}


def _groups(manifest: Json) -> Json:
    return {str(group.get("name")): group.get("owner") for group in (manifest.get("groups") or {}).values()}


def _checks(nodes: Json) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for uid, node in nodes.items():
        if node.get("resource_type") == "test":
            found.setdefault(tested_node(node), []).append(uid)
    return found
