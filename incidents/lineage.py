"""What stands above and below an asset. Cycles are harmless: a walk ends after MAX_STEPS and visits no step twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from incidents.models import Asset, AssetEdge
from integrations.values import Json

MAX_STEPS = 40  # edges from end to end; a longer chain is a cycle that somebody reported
Distances = dict[int, int]

# UNION, not UNION ALL: it drops what was already seen, so that diamonds do not multiply.
WALK = """
WITH RECURSIVE walk(start, id, steps) AS (
    SELECT start, start, 0 FROM unnest(%s::bigint[]) AS start
    UNION
    SELECT walk.start, edge.{to}, walk.steps + 1
      FROM walk JOIN incidents_assetedge edge ON edge.{origin} = walk.id
     WHERE walk.steps < %s
)
SELECT start, id, min(steps) FROM walk GROUP BY start, id
"""
UPWARDS = WALK.format(to="upstream_id", origin="downstream_id")
DOWNWARDS = WALK.format(to="downstream_id", origin="upstream_id")


def above(starts: Iterable[int]) -> dict[int, Distances]:
    """For each asset id: the ids upstream of it and how many steps away, itself (0) included. One query."""
    return _walk(UPWARDS, starts)


def below(starts: Iterable[int]) -> dict[int, Distances]:
    """For each asset id: the ids downstream of it and how many steps away, itself (0) included. One query."""
    return _walk(DOWNWARDS, starts)


def upstream(asset: Asset) -> list[Asset]:
    """Nearest first, without itself."""
    return _assets(above([asset.pk])[asset.pk], asset)


def downstream(asset: Asset) -> list[Asset]:
    """Nearest first, without itself."""
    return _assets(below([asset.pk])[asset.pk], asset)


def dashboards(asset: Asset) -> list[Asset]:
    """What people look at and what this asset feeds."""
    return [below for below in downstream(asset) if below.kind == "dashboard"]


def owners(assets: Iterable[Asset]) -> list[Json]:
    """Distinct owners in the order of the assets."""
    known = {str(asset.owner.get("email") or asset.owner.get("name")): asset.owner for asset in assets if asset.owner}
    return list(known.values())


def path(start: Asset, end: Asset) -> list[Asset]:
    """One shortest way down from `start` to `end`, both included; empty when there is none."""
    down, up = below([start.pk])[start.pk], above([end.pk])[end.pk]
    length = down.get(end.pk)
    if length is None:
        return []
    on_way = {pk: steps for pk, steps in down.items() if pk in up and steps + up[pk] == length}
    rows = Asset.objects.in_bulk(on_way)
    return [rows[pk] for pk in _follow(start.pk, on_way, length)]


def _follow(start: int, on_way: Distances, length: int) -> list[int]:
    """One connected way: from each step to a neighbour one step nearer the end."""
    edges = AssetEdge.objects.filter(upstream__in=on_way, downstream__in=on_way).values_list("upstream", "downstream")
    down = defaultdict(list)
    for upper, lower in edges:
        down[upper].append(lower)
    way = [start]
    for step in range(1, length + 1):
        way.append(min(pk for pk in down[way[-1]] if on_way[pk] == step))
    return way


def _walk(query: str, starts: Iterable[int]) -> dict[int, Distances]:
    found: dict[int, Distances] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(query, [list(starts), MAX_STEPS])
        for start, pk, steps in cursor.fetchall():
            found[start][pk] = steps
    return found


def _assets(distances: Distances, itself: Asset) -> list[Asset]:
    rows = Asset.objects.in_bulk([pk for pk in distances if pk != itself.pk])
    return sorted(rows.values(), key=lambda asset: (distances[asset.pk], asset.namespace, asset.name))
