"""Rows that are there twice: said by a unique test or by our own finding, and counted before it is claimed."""

from __future__ import annotations

from collections.abc import Sequence

from incidents.case import Case
from incidents.history import History
from incidents.models import Asset, RunResult
from incidents.rules.columns import compare
from incidents.verdict import Verdict, claim, code, not_so
from integrations.values import Json

SOURCES = 4  # assets upstream of a failing test that are counted, nearest first


def duplicate_rows(case: Case, history: History) -> Verdict | None:
    for asset, key in _suspected(case):
        for place in (asset, *_above(case, asset, key))[: SOURCES + 1][::-1]:
            if found := _counted(case, place, key):
                return _verdict(case, history, place, key, found)
    return None


def unique_column(result: RunResult, columns: Sequence[str]) -> str:
    """The column that a dbt unique test is about, from its name: `test.shop.source_unique_raw_orders_order_id.5a1b`."""
    parts = result.node.split(".")
    name = parts[2] if len(parts) > 2 else result.node
    if "unique" not in name:
        return ""
    ends = [column for column in columns if name.lower().endswith(f"_{column.lower()}")]
    return max(ends, key=len, default="")


def repeated(profile: Json, key: tuple[str, ...]) -> int:
    """Rows that share their key with another: as counted, else from the rate of distinct values of a single column."""
    if (counted := profile["duplicates"].get(",".join(key))) is not None:
        return int(counted)
    facts = profile["columns"].get(key[0], {}) if len(key) == 1 else {}
    return round(profile["rows"] * (1 - facts["nulls"] - facts["distinct"])) if "distinct" in facts else 0


def _suspected(case: Case) -> list[tuple[Asset, tuple[str, ...]]]:
    """(asset, key): from failing unique tests, then from findings of our own."""
    found: list[tuple[Asset, tuple[str, ...]]] = []
    for row in case.failed:
        if row.kind == "test" and "unique" in row.node:
            column = unique_column(row, [str(c["name"]) for c in row.asset.columns] or _columns(case, row.asset))
            found += [(row.asset, (column,))] if column else []
    near = {(asset.namespace, asset.name): asset for asset in (case.root, *case.upstream)}
    for alert in case.alerts:
        asset = near.get((alert["asset"]["namespace"], alert["asset"]["name"]))
        for finding in alert["detail"].get("findings", []) if asset else []:
            kind, _, names = finding["check"].partition(":")
            found += [(asset, tuple(names.split(",")))] if asset and kind == "keys" else []
    return list(dict.fromkeys(found))


def _columns(case: Case, asset: Asset) -> list[str]:
    reading = case.about("schema", asset)
    return [column["name"] for column in reading.result] if reading else []


def _above(case: Case, asset: Asset, key: tuple[str, ...]) -> list[Asset]:
    """What it reads from and that has these columns too, nearest first."""
    ups = (
        [asset for asset in case.upstream if asset.kind not in ("job", "dashboard")] if asset.pk == case.root.pk else []
    )
    return [up for up in ups if set(key) <= set([str(c["name"]) for c in up.columns] or _columns(case, up))]


def _counted(case: Case, asset: Asset, key: tuple[str, ...]) -> Json | None:
    """Adds the evidence when the table really holds repeated keys."""
    reading = case.about("profile", asset)
    count = repeated(reading.result, key) if reading else 0
    if reading is None or not count:
        return None
    copies = _copies(case, asset, key)
    differ = sorted({name for row in copies for name in row if row[name] != copies[0][name]})
    body: Json = {
        "asset": asset.ref.uri,
        "key": list(key),
        "duplicates": count,
        "rows": reading.result["rows"],
        "sample": copies[:4],
        "differ": differ,
    }
    title = f"{asset.name}: {count:,} of {body['rows']:,} rows repeat {', '.join(key)}"
    body["label"] = case.dossier.add("keys", title, dict(body), f"profile of {asset.ref.uri}", call=reading.call)
    return body


def _copies(case: Case, asset: Asset, key: tuple[str, ...]) -> list[Json]:
    """The rows of one repeated key: one that the newest load brought, whose key is a number."""
    versions = case.about("versions", asset, limit=5)
    loads = [v for v in versions.result if v["operation"] == "append"] if versions else []
    newest = case.about("profile", asset, version=loads[0]["id"], increment=True) if loads and len(key) == 1 else None
    facts = newest.result["columns"].get(key[0], {}) if newest else {}
    if "max" not in facts or float(facts["max"]) != int(facts["max"]):
        return []
    reading = case.about("sample", asset, conditions=[[key[0], "=", int(facts["max"])]], limit=20)
    rows: list[Json] = reading.result if reading else []
    return rows if len(rows) > 1 else []


def _verdict(case: Case, history: History, asset: Asset, key: tuple[str, ...], found: Json) -> Verdict:
    columns = compare(case, asset)
    types = {str(c["name"]): str(c["type"]).lower() for c in (columns.after if columns else asset.columns)}
    ignore = [name for name in found["differ"] if "time" in types.get(name, "")]
    count, names = found["duplicates"], ", ".join(key)
    claims = [
        claim(f"{count:,} rows of {code(asset.name)} share their {code(key)} with an earlier row.", found["label"])
    ]
    if said := case.dossier.cites("log", "signature"):
        claims.append(claim("The unique test of the pipeline found them too.", *said))
    others = []
    if columns and not columns.gone and not columns.new:
        others.append(not_so("A change of the columns", "Names and types are what they were.", columns.label))
    if history.is_known and not any(commit["is_suspect"] for commit in history.commits):
        others.append(not_so("A model that multiplies rows", "No commit since the last good run is on the way, and the "
                             "rows are in the source itself.", history.label, found["label"]))  # fmt: skip
    if found["sample"]:
        same = (
            "differ only in when they were loaded" if set(found["differ"]) <= set(ignore) else "differ in other columns"
        )
        same = same if found["differ"] else "are equal in every column"
        claims.append(claim(f"Rows of one {code(key)} {same}.", found["label"]))
    facts = {"asset": asset.ref.uri, "key": list(key), "duplicates": count, "ignore": ignore}
    text = f"{count:,} rows of {asset.name} are there twice: the same {names} was loaded again."
    return Verdict("data", "duplicate_rows", text, facts, claims, others, 0.95, asset)
