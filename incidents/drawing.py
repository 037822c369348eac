"""The lineage drawing: five columns of boxes and the curves between them, as numbers for an SVG. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

COLUMNS = 5
WIDTH, HEIGHT = 116, 36  # of a box, in the units of the drawing
LEFT = [1, 133, 265, 397, 525]  # of each column
ROW = 52  # from one box to the one below it
TOP = 16
SHOWN = 3  # affected boxes of a column; the rest are counted in one more
CUT = 14  # characters of a label


@dataclass(frozen=True)
class Box:
    x: int
    y: int
    width: int
    label: str
    full: str
    sub: str
    style: str  # root, hot, dash and their combinations

    @property
    def text_x(self) -> int:
        return self.x + 9

    @property
    def text_y(self) -> int:
        return self.y + 15

    @property
    def sub_y(self) -> int:
        return self.y + 28


@dataclass(frozen=True)
class Curve:
    path: str
    style: str


@dataclass(frozen=True)
class Drawing:
    boxes: list[Box] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    height: int = 0
    label: str = ""
    affected: int = 0
    healthy: int = 0


def draw(body: Mapping[str, Any]) -> Drawing | None:
    """From {"nodes": [{"uri", "name", "kind", "depth", "state", "note"}], "edges": [[from, to], ...]}.

    `state` is root, affected or healthy. Depth 0 is the leftmost. None when there is nothing to draw.
    """
    nodes = [node for node in body.get("nodes", []) if isinstance(node, Mapping) and node.get("name")]
    if not nodes:
        return None
    columns = _columns(nodes)
    places: dict[str, Box] = {}
    boxes: list[Box] = []
    tallest = max(len(_kept(column)) for column in columns.values())
    for at, column in sorted(columns.items()):
        _place(at, column, tallest, boxes, places)
    curves = _curves(body.get("edges", []), nodes, places)
    affected = sum(node.get("state") == "affected" for node in nodes)
    healthy = sum(node.get("state") not in {"affected", "root"} for node in nodes)
    root = next((str(node["name"]) for node in nodes if node.get("state") == "root"), str(nodes[0]["name"]))
    dashboards = sum(node.get("kind") == "dashboard" and node.get("state") == "affected" for node in nodes)
    label = f"Lineage from {root}: {affected} affected, {dashboards} of them dashboards"
    return Drawing(boxes, curves, TOP + tallest * ROW, label, affected, healthy)


@dataclass(frozen=True)
class Stroke:
    """One run: its height is its time, its colour how it ended."""

    x: float
    y: float
    width: float
    height: float
    style: str


STRIP = 34  # height of the strip of runs
ENDED = {"success": "k-ok", "warned": "k-warn", "running": "k-idle", "aborted": "k-idle"}


def strip(body: Mapping[str, Any]) -> list[Stroke]:
    """From {"runs": [{"status", "seconds"}]}, oldest first."""
    runs = [run for run in body.get("runs", []) if isinstance(run, Mapping)]
    longest = max((float(run.get("seconds") or 0) for run in runs), default=0) or 1.0
    step = 100 / max(len(runs), 1)
    strokes = []
    for at, run in enumerate(runs):
        height = max(4.0, round(STRIP * float(run.get("seconds") or 0) / longest, 2))
        style = ENDED.get(str(run.get("status")), "k-bad")
        strokes.append(Stroke(round(at * step, 2), round(STRIP - height, 2), round(step * 0.79, 2), height, style))
    return strokes


def _columns(nodes: Sequence[Mapping[str, Any]]) -> dict[int, list[Mapping[str, Any]]]:
    least = min(int(node.get("depth", 0)) for node in nodes)
    columns = defaultdict(list)
    for node in nodes:
        columns[min(int(node.get("depth", 0)) - least, COLUMNS - 1)].append(node)
    for column in columns.values():
        # The affected first, because that is what the drawing is for.
        column.sort(key=lambda node: (_weight(node), str(node["name"])))
    return columns


def _weight(node: Mapping[str, Any]) -> int:
    return {"root": 0, "affected": 1}.get(str(node.get("state")), 2)


def _kept(column: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """At most SHOWN of the affected ones and one healthy; the first that is left out stands for the rest."""
    hot = [node for node in column if _weight(node) < 2]
    cold = [node for node in column if _weight(node) == 2]
    kept = hot[: SHOWN - 1 if len(hot) > SHOWN else SHOWN]
    if len(hot) > SHOWN:
        rest = hot[SHOWN - 1 :]
        kept.append({"name": f"+ {len(rest)} more", "note": "all affected", "state": "affected", "stands_for": rest})
    kept.extend(cold[:1])
    if len(cold) > 1:
        kept[-1] = {"name": f"+ {len(cold)} more", "note": "healthy", "state": "healthy", "stands_for": cold}
    return kept


def _place(
    at: int, column: Sequence[Mapping[str, Any]], tallest: int, boxes: list[Box], places: dict[str, Box]
) -> None:
    kept = _kept(column)
    first = TOP + (tallest - len(kept)) * ROW // 2
    for row, node in enumerate(kept):
        name = str(node["name"])
        style = {"root": "root", "affected": "hot"}.get(str(node.get("state")), "")
        if node.get("kind") == "dashboard":
            style = f"{style} dash".strip()
        label = name if len(name) <= CUT else name.rpartition(".")[2]
        label = label if len(label) <= CUT else f"{label[: CUT - 1]}…"
        sub = str(node.get("note") or node.get("kind") or "")
        sub = sub if len(sub) <= CUT + 4 else f"{sub[: CUT + 3]}…"
        box = Box(LEFT[at], first + row * ROW, WIDTH, label, name, sub, style)
        boxes.append(box)
        for stood in node.get("stands_for") or [node]:
            places[str(stood.get("uri", stood["name"]))] = box


def _curves(edges: Any, nodes: Sequence[Mapping[str, Any]], places: Mapping[str, Box]) -> list[Curve]:
    states = {str(node.get("uri", node["name"])): str(node.get("state")) for node in nodes}
    drawn: dict[str, str] = {}
    for edge in edges:
        start, end = (str(part) for part in list(edge)[:2])
        if start not in places or end not in places or places[start].x >= places[end].x:
            continue
        hot = states.get(start) in {"root", "affected"} and states.get(end) == "affected"
        style = ("edge edge--root" if states.get(start) == "root" else "edge edge--hot") if hot else "edge"
        drawn[_path(places[start], places[end])] = style
    return [Curve(path, style) for path, style in drawn.items()]


def _path(start: Box, end: Box) -> str:
    x1, y1, x2, y2 = start.x + WIDTH, start.y + HEIGHT // 2, end.x, end.y + HEIGHT // 2
    middle = (x1 + x2) / 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"
