"""The read-only tools. Each is a method of a connector's port; what it returns becomes plain JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.gateway.record import Answer
from integrations import connections, errors
from integrations.models import Connection
from integrations.values import AssetRef, Json, Predicate, as_json

SAMPLE = 20  # rows at most, whatever is asked
COMMITS = 100
VERSIONS = 200
PROFILES = 15  # in one call: each reads data
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
        return Answer.of(CALLS[tool](connections.connector(connection), arguments))
    except errors.IntegrationError as error:
        code, status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
        return Answer.refused(code, str(error), status)
    except (KeyError, TypeError, ValueError) as error:
        return Answer.refused("invalid", f"{type(error).__name__}: {error}"[:300], 422)


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
    """One, or a list of them where `versions` names several."""
    asset, increment = _asset(arguments), bool(arguments.get("increment", False))
    if several := arguments.get("versions"):
        wanted = [str(version) for version in several][:PROFILES]
        return [as_json(source.profile(asset, version, increment=increment)) for version in wanted]
    return as_json(source.profile(asset, _version(arguments), increment=increment))


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


CALLS: dict[str, Callable[[Any, Json], Any]] = {
    "schema": _schema,
    "versions": _versions,
    "profile": _profile,
    "sample": _sample,
    "changes": _changes,
    "read_file": _read_file,
    "grants": _grants,
    "parameters": _parameters,
}
