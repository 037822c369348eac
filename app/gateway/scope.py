"""The argument rules of an agent: this incident's asset and its lineage, its job's code, and nothing else."""

from __future__ import annotations

from pathlib import PurePosixPath

from incidents import lineage
from incidents.case import Case
from incidents.models import Asset, Incident
from integrations import gateway_client
from integrations.errors import PermissionDenied, Unsupported
from integrations.grants import Grant
from integrations.models import Connection
from integrations.values import Json

NEAR = 60  # assets up and down the lineage, the nearest first
SOURCES = {".sql", ".py", ".yml", ".yaml", ".toml", ".json", ".md", ".txt", ".csv", ".sh", ".cfg", ".ini", ".scala"}


def placed(grant: Grant, tool: str, arguments: Json) -> tuple[Connection, Json]:
    """The connection that answers, and the arguments as it takes them. Raises PermissionDenied outside the grant."""
    incident = Incident.objects.select_related("root_asset", "run__job").get(pk=grant.incident or 0)
    case = Case(incident)
    if tool in ("changes", "read_file"):
        found = Connection.objects.filter(name=case.code, enabled=True).first()
        _refuse_path(arguments)
        arguments = {**arguments, "connection": case.code}
    elif tool == "parameters":
        found = case.runner
        arguments = {"connection": found.name if found else ""}
    else:
        if (arguments["namespace"], arguments["name"]) not in reach(case):
            raise PermissionDenied("The grant is for this incident's asset and its lineage.")
        found = gateway_client.named(tool, arguments)
    if found is None:
        raise Unsupported("Nothing that can answer is connected there.")
    if found.name not in grant.connections:
        raise PermissionDenied("The grant does not name this connection.")
    return found, arguments


def reach(case: Case) -> set[tuple[str, str]]:
    """Namespace and name of every asset that may be asked about."""
    near: list[Asset] = [case.root, *lineage.upstream(case.root)[:NEAR], *lineage.downstream(case.root)[:NEAR]]
    return {(asset.namespace, asset.name) for asset in [*near, *case.inputs, *case.results_assets]}


def _refuse_path(arguments: Json) -> None:
    for path in [arguments.get("path"), *(arguments.get("paths") or [])]:
        if path is None:
            continue
        pure = PurePosixPath(path)
        hidden = any(part.startswith(".") for part in pure.parts)
        if pure.is_absolute() or hidden or ":" in path or "\0" in path:
            raise PermissionDenied("Only files within the repository that are not hidden can be read.")
        if path == arguments.get("path") and pure.suffix.lower() not in SOURCES:
            raise PermissionDenied(f"Only source files can be read: {', '.join(sorted(SOURCES))}.")
