"""Titles in plain words, from what a tool said. Pure."""

from __future__ import annotations

import re

from incidents.bands import Finding
from integrations.values import NodeResult

TITLE_LIMIT, CAUSE_LIMIT, READ = 90, 140, 2000  # characters; of a line no more is READ
LINE_LIMIT = 1000  # characters of a line that are looked at: a bound on what a hostile message can cost

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_HEADER = re.compile(r"^(\w+ )*Error( in .*)?$|^Traceback |^\s*File \"|^During handling|^Encountered an error", re.I)
_PREFIX = re.compile(r"^(?:[\w.]*(?:Error|Exception|Denied|Failure|Privilege)|[A-Z]\w*(?: \w+)? Error|ERROR|FATAL):\s*")
_MISSING_COLUMN = re.compile(r'(?:Referenced )?column "?([\w.$]+)"?(?: does)? not (?:found|exist)[^!]*!?', re.I)
_MISSING_NODE = re.compile(r".*depends on (?:a node|a source|an? \w+) named '([\w.]+)'.*not found.*", re.I)
# What tools say at length, and what of it a reader needs.
_SHORTER = [
    (
        re.compile(r'.*could not (?:set|acquire|get) (?:a )?lock on file "?([^"\n:]{1,400})"?.*', re.I),
        r"another process holds \1",
    ),
    (re.compile(r".*\bHTTP(?:/[\d.]{1,3})? (?:Error )?([45]\d\d):? ([A-Z][A-Za-z ]{1,40}).*"), r"HTTP \1 \2"),
    (re.compile(r"^out of memory(?: error)?\b.*", re.I), "out of memory"),
    (re.compile(r"[;,:]?\s*[{\[]\s*\".*"), ""),  # a body of JSON
    (re.compile(r"\s?\(?\bPID:? \d{1,10}\)?", re.I), ""),
    (re.compile(r"\b[a-z][a-z+]{1,15}://[^\s/?#\"']{1,300}/?(?=[\s\"',;)]|$)"), "a service"),
    (re.compile(r"\b[a-z][a-z+]{1,15}://[^\s/?#\"']{1,300}([^\s?#\"']{0,300})([?#][^\s\"']{0,1000})?"), r"\1"),
    (re.compile(r"(?<![\w.~-])~?/(?:[^\s/\"':]{1,100}/){1,40}([\w.@+-]{1,100})"), r"\1"),  # the name of a file
]
_VARYING = re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b0x[0-9a-f]+\b|\b[0-9a-f]{16,}\b|\d+", re.I)
_TEST = re.compile(r"^(?:source_)?(unique|not_null|accepted_values|relationships)_(.+)$")
_SAID_OF_TEST = {
    "unique": "has {count} repeated {what}",
    "not_null": "has {count} rows without {what}",
    "accepted_values": "has {count} unexpected values of {what}",
    "relationships": "has {count} rows that refer to nothing by {what}",
}


def cause(message: str) -> str:
    """The first line that says what went wrong, without the tool's ceremony; empty when nothing does."""
    lines = [line.strip()[:LINE_LIMIT] for line in _ANSI.sub("", message).splitlines()]
    said = [line for line in lines if line and not _HEADER.match(line)]
    # A Python traceback says it last, everything else first.
    first = (said[-1] if "Traceback" in message else said[0])[:READ] if said else ""
    first = _PREFIX.sub("", _PREFIX.sub("", first))
    first = _MISSING_COLUMN.sub(r"column \1 not found", first)
    first = _MISSING_NODE.sub(r"it refers to \1, which was not found", first)
    for long, short in _SHORTER:
        first = long.sub(short, first)
    return _shorten(first.strip(" .!:;,"), CAUSE_LIMIT)


def shape(message: str) -> str:
    """The cause without what differs from run to run: numbers, ids and addresses."""
    return _VARYING.sub("#", cause(message)).lower()


def of_job(job: str, message: str) -> str:
    said = cause(message)
    return _shorten(f"{job} fails: {said}" if said else f"{job} failed", TITLE_LIMIT)


def of_result(asset: str, result: NodeResult) -> str:
    if result.kind == "freshness":
        return _shorten(f"{asset} is stale", TITLE_LIMIT)
    if result.kind != "test":
        return of_job(asset.rsplit(".", 1)[-1], result.message)
    name = _test_name(result.node)
    known = _TEST.match(name)
    if known and result.failures is not None and result.failures > 0:
        what = _column(known[2], asset)
        said = _SAID_OF_TEST[known[1]].format(count=f"{result.failures:,}", what=what)
        return _shorten(f"{asset} {said}", TITLE_LIMIT)
    found = (
        f" ({result.failures:,} found)" if result.failures else f": {cause(result.message)}" if result.message else ""
    )
    return _shorten(f"{asset} fails the test {name or 'on it'}{found}", TITLE_LIMIT)


def of_finding(asset: str, finding: Finding) -> str:
    """A finding of our own detectors: `raw.orders: new currency (JPY)`."""
    kind, column = finding.check.partition(":")[0], finding.column
    said = {
        "category": f"{asset}: new {column} ({', '.join(finding.new[:3])}{' …' if len(finding.new) > 3 else ''})",
        "keys": f"{asset} has {finding.now} repeated {column}",
        "schema": f"{asset}: {finding.now}" if "; " in finding.now else f"{asset}: column {finding.now}",
        "nulls": f"Null {column} in {finding.now} of {asset}",
        "distinct": f"{asset}: values of {column} {_repeat(finding)}",
        "total": f"{asset}: {column} is {_far(finding)}",
        "mean": f"{asset}: average {column} is {_far(finding)}",
        "rows": f"{asset}: {finding.now if finding.value else 'no'} rows came, usually {finding.usual}",
        "table_rows": f"{asset} {f'has {finding.now} rows, usually {finding.usual}' if finding.value else 'is empty'}",
        "freshness": f"{asset} is late: no load for {finding.now}",
    }
    return _shorten(
        said.get(kind, f"{asset}: {finding.what[:1].lower()}{finding.what[1:]} is {_far(finding)}"), TITLE_LIMIT
    )


def _repeat(finding: Finding) -> str:
    return "began to repeat" if (finding.value or 0) < (finding.low or 0) else "no longer repeat"


def _far(finding: Finding) -> str:
    """How far outside its band, as people say it: `38× too high`, `40% under its band`."""
    value, low, high, middle = (finding.value or 0.0, finding.low or 0.0, finding.high or 0.0, finding.middle or 0.0)
    if value > high and middle > 0 and value >= 2 * middle:
        return f"{value / middle:,.0f}× too high"
    bound, side = (high, "over") if value > high else (low, "under")
    return f"{abs(value - bound) / abs(bound):.0%} {side} its band" if bound else f"{side} its band ({finding.now})"


def _test_name(node: str) -> str:
    """`test.shop.source_unique_raw_orders_order_id.5a1b` is `source_unique_raw_orders_order_id`."""
    parts = node.split(".")
    return parts[2] if len(parts) > 2 and parts[0] == "test" else node


def _column(rest: str, asset: str) -> str:
    """dbt glues names together: what is left after the table's name is the column (and its arguments)."""
    for owner in (asset.replace(".", "_"), asset.rsplit(".", 1)[-1]):
        if rest.startswith(f"{owner}_"):
            return rest.removeprefix(f"{owner}_").split("__")[0]
    return rest.split("__")[0]


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
