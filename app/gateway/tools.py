"""The read-only tools. Each is a method of a connector's port; what it returns becomes plain JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.gateway.record import Answer
from integrations import connections, errors
from integrations.models import Connection
from integrations.values import AssetRef, Json, Predicate, as_json
from knowledge.headers import header_of

SAMPLE = 20  # rows at most, whatever is asked
COMMITS = 100
VERSIONS = 200
PROFILES = 15  # in one call: each reads data
TABLES = 30  # whole tables in one call
STATUS: dict[type, tuple[str, int]] = {
    errors.PermissionDenied: ("permission_denied", 403),
    errors.Unsupported: ("unsupported", 501),
    errors.Refused: ("refused", 409),
    errors.Unreachable: ("unreachable", 503),
    errors.SecretUnavailable: ("secret_unavailable", 503),
    errors.IntegrationError: ("failed", 502),
}


def run(tool: str, connection: Connection, arguments: Json) -> Answer:
    """Errors of the connector become answers; so do arguments that it cannot read."""
    try:
        source = connections.connector(connection, header=_header(connection, arguments.get("note")))
        return Answer.of(CALLS[tool](source, arguments))
    except errors.IntegrationError as error:
        code, status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
        return Answer.refused(code, str(error), status)
    except (KeyError, TypeError, ValueError) as error:
        return Answer.refused("invalid", f"{type(error).__name__}: {error}"[:300], 422)


def _header(connection: Connection, note: Any) -> tuple[str, str] | None:
    """The header that a note names for this connection's host: read here, so that nobody can name another one."""
    if not isinstance(note, int):
        return None
    hint = header_of(note, connections.host(connection))
    if hint is None:
        raise errors.Refused("The note names no header for calls to this host.")
    return connections.lent(connection, hint.name, hint.reference, hint.host)


def _asset(arguments: Json) -> AssetRef:
    return AssetRef(str(arguments["namespace"]), str(arguments["name"]))


def _version(arguments: Json) -> str:
    return str(arguments.get("version", ""))


def _limit(arguments: Json, default: int, most: int) -> int:
    return max(1, min(int(arguments.get("limit", default)), most))


def _schema(source: Any, arguments: Json) -> Any:
    return [as_json(column) for column in source.schema(_asset(arguments), _version(arguments))]


def _versions(source: Any, arguments: Json) -> Any:
    found = source.versions(_asset(arguments), _limit(arguments, 60, VERSIONS))
    return [{**as_json(version), "at": version.at.isoformat()} for version in found]


def _profile(source: Any, arguments: Json) -> Any:
    """One, or a list of them where `versions` names several, or `names` other tables of the namespace."""
    if isinstance(names := arguments.get("names"), list):
        refs = [AssetRef(str(arguments["namespace"]), str(name)) for name in names[:TABLES]]
        return [found and as_json(found) for found in _profiles(source, refs)]
    asset, increment = _asset(arguments), bool(arguments.get("increment", False))
    if several := arguments.get("versions"):
        wanted = [str(version) for version in several][:PROFILES]
        return [as_json(source.profile(asset, version, increment=increment)) for version in wanted]
    return as_json(source.profile(asset, _version(arguments), increment=increment))


def _profiles(source: Any, refs: list[AssetRef]) -> list[Any]:
    """One table that cannot be read does not hide the others."""
    if hasattr(source, "profiles"):
        return list(source.profiles(refs))
    found: list[Any] = []
    for ref in refs:
        try:
            found.append(source.profile(ref))
        except (errors.Refused, errors.PermissionDenied):
            found.append(None)
    return found


def _sample(source: Any, arguments: Json) -> Any:
    conditions = tuple((str(c), str(op), value) for c, op, value in arguments["conditions"])
    return list(source.sample(_asset(arguments), Predicate(conditions), _limit(arguments, SAMPLE, SAMPLE)))


def _changes(source: Any, arguments: Json) -> Any:
    paths = [str(path) for path in arguments.get("paths", [])]
    found = source.changes(paths, _limit(arguments, 20, COMMITS))
    return [{**as_json(commit), "at": commit.at.isoformat()} for commit in found]


def _read_file(source: Any, arguments: Json) -> Any:
    return source.read_file(str(arguments["path"]), _version(arguments))


def _grants(source: Any, arguments: Json) -> Any:
    if not hasattr(source, "grants"):
        raise errors.Unsupported("This engine does not tell who may read.")
    return as_json(source.grants(_asset(arguments)))


def _parameters(source: Any, arguments: Json) -> Any:
    return {name: dict(value) for name, value in source.parameters().items()}


def _workload(source: Any, arguments: Json) -> Any:
    return as_json(source.workload(str(arguments["name"])))


CALLS: dict[str, Callable[[Any, Json], Any]] = {
    "schema": _schema,
    "versions": _versions,
    "profile": _profile,
    "sample": _sample,
    "changes": _changes,
    "read_file": _read_file,
    "grants": _grants,
    "parameters": _parameters,
    "workload": _workload,
}
