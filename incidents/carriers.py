"""What a line says, without what carried it here: a container's clock, a parent's log line, colours, an envelope."""

from __future__ import annotations

import json
import re

# Programs that hand on what others print, at a level of their own that says nothing of it.
_RELAYS = (
    "subprocess|pod_manager|docker|logging_mixin|dbt_hook|process_utils|ssh|ecs|spark_submit|kubernetes_pod|batch|emr"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,12}[A-Za-z]")
_CARRIER = re.compile(
    "|".join(
        (
            rf"\[[\d\-T:.,+Z UTC]{{10,40}}\] \{{(?:{_RELAYS})\.py:\d{{1,6}}\}} INFO -\s?(?:\[[\w.-]{{1,60}}\] )?",
            r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?[ \t]",
            r"\d\d:\d\d:\d\d(?:\.\d{1,9})? {1,2}",
            r"(?:stdout|stderr) [FP] ",
            r"\[(?:pod/)?[\w./-]{1,150}\] (?=\d{4}-|Traceback|\s{2}File |\s+at )",
            r"[\w.-]{1,80} {0,40}\| ",
            r"(?:source|destination|platform|normalization|replication-orchestrator)(?:-\w{1,60})? > ",
            r"\[(?:info|error|warning|debug|critical) {0,8}\] ",
            r"##\[error\]",
        )
    )
)
_DEEPEST = 5  # carriers in one another
LONGEST = 2000  # characters of a line in an envelope that are looked at
_TEXT = re.compile(r'"((?:[^"\\]|\\.|\\$)*+)(?:"(\s{0,3}:)?|$)', re.DOTALL)  # never goes back: linear
_RAISED = re.compile(
    r'"(?:exc_type|exception_?[cC]lass|className|error_?[tT]ype)": {0,2}"([\w.]{1,200})",? {0,2}'
    r'"\w{1,40}": {0,2}"((?:[^"\\]|\\.){1,4000})"'
)


def carried(text: str) -> str:
    """The line by itself; an envelope of JSON stays, `parts` opens it."""
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    at = 0
    for _ in range(_DEEPEST):
        if not (hit := _CARRIER.match(text, at)):
            break
        at = hit.end()
    return text[at:]


def parts(text: str) -> list[str]:
    """The lines that an envelope of JSON holds in its values; none for a text that is not one."""
    text = carried(text)
    if not text.lstrip().startswith("{") or '"' not in text:
        return []
    found = [f"{_plain(kind)}: {_plain(value)}" for kind, value in _RAISED.findall(text)]
    for value, is_key in _TEXT.findall(text):
        if not is_key:
            found += [line for line in _plain(value).split("\n") if len(line) > 3]
    return [line[:LONGEST] for line in found]


def _plain(value: str) -> str:
    try:
        return str(json.loads(f'"{value}"'))
    except ValueError:
        return value.replace("\\n", "\n").replace('\\"', '"')
