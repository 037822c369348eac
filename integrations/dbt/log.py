"""dbt's structured log: the only trace of a run that ended before it could write artifacts."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_NODE = re.compile(r"'((?:model|test|seed|snapshot|source)\.[\w.]+)'")
_PARSED_FILE = re.compile(r"\(([\w./ -]+\.(?:sql|ya?ml|py|csv))\)|in ([\w./-]+\.(?:sql|ya?ml|py))")
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_NO_NEWS = {"debug"}


@dataclass(frozen=True)
class Told:
    """What a log says, for a person and for rules."""

    text: str
    # The message of the error that ended the run, else of the first error; "" when there is none.
    error: str
    # Unique id of the node that it names.
    node: str
    # File that it names, relative to the project.
    path: str


def read_log(log: str) -> Told:
    """Lines of JSON as `--log-format json` prints them; other lines are kept as they are."""
    lines, errors, decisive = [], [], ""
    for raw in log.splitlines():
        level, name, message, stamp = _event(raw)
        if level in _NO_NEWS or not message.strip():
            continue
        lines.append(f"{stamp}{message}")
        if level == "error":
            errors.append(message)
            decisive = decisive or (message if name == "MainEncounteredError" else "")
    error = (decisive or (errors[0] if errors else "")).strip()
    node, file = _NODE.search(error), _PARSED_FILE.search(error)
    path = next((part for part in file.groups() if part), "") if file else ""
    return Told("\n".join(lines), error, node.group(1) if node else "", path)


def _event(raw: str) -> tuple[str, str, str, str]:
    """(level, name, message, time with a space)"""
    if raw.startswith("{"):
        try:
            info = json.loads(raw).get("info") or {}
            stamp = str(info.get("ts", ""))[11:19]
            return (
                str(info.get("level", "")),
                str(info.get("name", "")),
                _STYLE.sub("", str(info.get("msg", ""))),
                f"{stamp} ",
            )
        except (ValueError, AttributeError):
            pass  # cut off in the middle, or not dbt's
    return "", "", _STYLE.sub("", raw), ""
