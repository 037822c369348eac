"""What there may be at all: values of a category, keys that are there once, columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from incidents.bands import LEAST, Finding, Judgement, Look, Past, outside
from integrations.values import Json

NEW_SHARE, NEW_ROWS = 0.01, 20  # a new value counts from this share, or from this many rows
OPEN = 0.05  # part of the past loads that brought a value of their own: above it a column has no fixed set of values


def categories(look: Look) -> Iterator[Judgement]:
    found = []
    for name, facts in look.now.profile["columns"].items():
        past = [values for each in look.history if (values := _values(each, name)) is not None]
        if "categories" not in facts or len(past) < max(LEAST, 0.8 * len(look.history)) or _is_open(past):
            continue
        check, before = f"category:{name}", set().union(*past)
        known = before | look.values_of(check)
        fresh = {value: share for value, share in facts["categories"].items() if value not in known}
        share = sum(fresh.values())
        counts = bool(fresh) and (share >= NEW_SHARE or share * look.rows >= NEW_ROWS)
        finding = _category(name, fresh, share, look.rows, before) if counts else None
        found.append(
            Judgement(check, name, f"Values of {name}", len(facts["categories"]), note=_some(known), finding=finding)
        )
    yield from sorted(found, key=lambda each: -each.finding.share if each.finding else 0.0)


def _category(name: str, fresh: dict[str, float], share: float, rows: int, known: set[str]) -> Finding:
    new = tuple(sorted(fresh, key=lambda value: -fresh[value]))
    now = ", ".join(f"{value} {fresh[value]:.0%}" for value in new[:8])
    return Finding(
        f"category:{name}", name, f"A value of {name} that was never there", _some(known), now, share,
        round(share * rows), new,
    )  # fmt: skip


def _some(values: set[str]) -> str:
    return f"{', '.join(sorted(values)[:8])}{' ...' if len(values) > 8 else ''}"


def _values(each: Past, name: str) -> set[str] | None:
    found = each.profile["columns"].get(name, {}).get("categories")
    return set(found) if found else None


def _is_open(past: Sequence[set[str]]) -> bool:
    """Whether loads keep bringing values that no other load has: names and codes, not a fixed set."""
    seen = Counter(value for values in past for value in values)
    own = sum(any(seen[value] == 1 for value in values) for values in past[1:])
    return own > OPEN * len(past)


def keys(look: Look) -> Iterator[Judgement]:
    """Rows that repeat what was a key in all of the past."""
    told = [each.profile.get("duplicates") or {} for each in look.history]
    for key in dict.fromkeys(name for counts in told for name in counts):
        past, count = [counts[key] for counts in told if key in counts], repeated(look.now.profile, key)
        if count is None or len(past) < LEAST or any(past):
            continue  # it never was a key
        check = f"keys:{key}"
        most = max((each.high or 0.0 for each in look.usual if each.check == check), default=0.0)
        judged = Judgement(check, key, f"Rows whose {key} is there already", count, 0.0, most)
        share = count / max(look.rows, 1)
        yield outside(judged, "none", f"{count:,}", middle=0.0, rows=count, share=share)


def repeated(profile: Json, key: str) -> int | None:
    """As counted; of a column that does not look like a key any more, from the rate of its distinct values."""
    if (counted := (profile.get("duplicates") or {}).get(key)) is not None:
        return int(counted)
    facts = profile["columns"].get(key, {})
    return round(profile["rows"] * (1 - facts["nulls"] - facts["distinct"])) if "distinct" in facts else None


def schema(look: Look) -> Iterator[Judgement]:
    """Columns that every earlier load had and that are gone, or are of another kind. New ones break nothing."""
    if not look.rows:
        return  # a profile of no rows names no columns
    steady = _steady([each.profile["columns"] for each in look.history if each.profile["rows"]])
    now = look.now.profile["columns"]
    changed = {name: "gone" for name in steady if name not in now}
    changed |= {
        name: f"{kind} before, {_kind(now[name])} now"
        for name, kind in steady.items()
        if name in now and kind and _kind(now[name]) and kind != _kind(now[name])
    }
    fresh = {name: words for name, words in changed.items() if f"{name} {words}" not in look.values_of("schema")}
    new = tuple(f"{name} {words}" for name, words in sorted(fresh.items()))
    finding = Finding(
        "schema", "", "Columns", f"{len(steady)} that were always there", "; ".join(new[:6]), 1.0, look.rows, new
    )
    yield Judgement("schema", "", "Columns", len(now), finding=finding if fresh else None)


def _steady(history: Sequence[Json]) -> dict[str, str]:
    """Columns that all of the past has, with their kind where that never changed and is known."""
    names = set.intersection(*(set(each) for each in history)) if history else set()
    kinds = {name: {kind for each in history if (kind := _kind(each[name]))} for name in names}
    return {name: next(iter(found)) if len(found) == 1 else "" for name, found in kinds.items()}


def _kind(facts: Json) -> str:
    """As far as facts show it. A column without any value has none."""
    if "sum" in facts:
        return "numbers"
    return "words" if "categories" in facts else ""
