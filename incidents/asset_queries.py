"""All reads of assets for people. Each costs the same however many assets, looks and incidents there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from app.core.models import User
from incidents import arrivals, lineage
from incidents.bands import LEAST
from incidents.charts import Chart, Point, chart
from incidents.drawing import Drawing, draw
from incidents.models import Asset, AssetEdge, AssetProfile, Incident
from incidents.usual import standing_mutes
from incidents.watched import Mute, Widening
from integrations.values import Json
from knowledge.recall import Hit, recall
from knowledge.rule import Case

PAGE = 50  # rows of the list
LOOKS = 60  # of the charts
RECENT = 10  # incidents, and what was called usual, on the page of one asset
DRAWN = 40  # nodes of the drawing
NOTES = 5
KINDS = ["table", "view", "model", "seed", "job", "dashboard", "feed"]

# state -> (shape of `.status`, word)
STATES = {
    "unread": ("warn", "Cannot be read"),
    "none": ("watch", "Not looked at"),
    "learning": ("watch", "Learning"),
    "muted": ("watch", "Muted"),
    "unusual": ("bad", "Unusual"),
    "usual": ("ok", "As usual"),
}


@dataclass(frozen=True)
class Row:
    asset: Asset
    state: str
    rows: int | None
    looked_at: datetime | None
    open_incidents: int

    @property
    def shape(self) -> str:
        return STATES[self.state][0]

    @property
    def word(self) -> str:
        return STATES[self.state][1]


@dataclass(frozen=True)
class Detector:
    """One check of an asset as its page shows it."""

    check: str
    what: str
    note: str
    now: str
    band: str
    state: str
    said: str = ""
    drawing: Chart | None = None
    mute: Mute | None = None

    @property
    def shape(self) -> str:
        return STATES[self.state][0]

    @property
    def word(self) -> str:
        return STATES[self.state][1]


@dataclass(frozen=True)
class Page:
    detectors: list[Detector] = field(default_factory=list)
    rows: Chart | None = None
    looks: int = 0
    mutes: list[Mute] = field(default_factory=list)
    taught: list[Widening] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    drawing: Drawing | None = None
    notes: list[Hit] = field(default_factory=list)
    last_load: datetime | None = None


def listed(q: str, kind: str, after: tuple[str, int] | None) -> tuple[list[Row], Asset | None]:
    """One page by name, and the asset after which the next one begins."""
    found: QuerySet[Asset] = Asset.objects.order_by("name", "pk")
    if q:
        found = found.filter(name__icontains=q)
    if kind in KINDS:
        found = found.filter(kind=kind)
    if after:
        found = found.filter(Q(name__gt=after[0]) | Q(name=after[0], pk__gt=after[1]))
    many = list(found[: PAGE + 1])
    page = many[:PAGE]
    return _rows(page), page[-1] if len(many) > PAGE else None


def page_of(asset: Asset, viewer: User) -> Page:
    newest = asset.profiles.order_by("-at")
    looks: list[Any] = list(newest.values("at", "scope", "judged", "profile__rows")[:LOOKS])[::-1]
    mutes = list(standing_mutes(asset))
    came = arrivals.of_asset(asset)
    detectors = [*_freshness(came, mutes), *_detectors(looks, mutes)]
    return Page(
        sorted(detectors, key=lambda each: {"unusual": 0, "muted": 1}.get(each.state, 2)),
        _rows_chart(looks),
        len(looks),
        mutes,
        list(asset.widenings.filter(withdrawn_at=None).order_by("-pk")[: RECENT * 2]),
        list(asset.incidents.order_by("-opened_at")[:RECENT]),
        _drawing(asset),
        recall(Case(assets={asset.ref.uri: 0, asset.name: 0}), viewer, limit=NOTES),
        came.last if came else None,
    )


def _rows(assets: Sequence[Asset]) -> list[Row]:
    pks = [asset.pk for asset in assets]
    newest = AssetProfile.objects.filter(asset__in=pks).order_by("asset_id", "-at").distinct("asset_id")
    values: Any = newest.values("asset_id", "at", "judged", "profile__rows")
    looks = {each["asset_id"]: each for each in values}
    standing = Incident.objects.filter(root_asset__in=pks).exclude(status="resolved").order_by()
    open_now = dict(standing.values_list("root_asset").annotate(n=Count("pk")))
    muted = Mute.objects.filter(asset__in=pks, lifted_at=None, until__gt=timezone.now())
    silent: dict[int, set[str]] = defaultdict(set)
    for pk, check in muted.values_list("asset_id", "check_name"):
        silent[pk].add(check)
    return [_row(asset, looks.get(asset.pk), open_now.get(asset.pk, 0), silent[asset.pk]) for asset in assets]


def _row(asset: Asset, look: Json | None, open_now: int, silent: set[str]) -> Row:
    if look is None:
        return Row(asset, "unread" if asset.unread else "none", None, None, open_now)
    bad = [each["check"] for each in look["judged"] if not each["ok"]]
    state = "unread" if asset.unread else "usual" if look["judged"] else "learning"
    if bad and not asset.unread:
        state = "muted" if "" in silent or set(bad) <= silent else "unusual"
    return Row(asset, state, look["profile__rows"], look["at"], open_now)


def _detectors(looks: Sequence[Json], mutes: Sequence[Mute]) -> list[Detector]:
    """Those of the newest look that judged anything, each with its past."""
    newest = next((look for look in reversed(looks) if look["judged"]), None)
    if newest is None:
        return []
    past: dict[str, list[Point]] = defaultdict(list)
    for look in looks:
        for each in look["judged"]:
            if each["value"] is not None:
                point = Point(look["at"], each["value"], each["low"], each["high"], each["ok"])
                past[each["check"]].append(point)
    return [_detector(each, past[each["check"]], mutes) for each in newest["judged"]]


def _detector(judged: Json, past: Sequence[Point], mutes: Sequence[Mute]) -> Detector:
    form, value, low, high = judged["form"], judged["value"], judged["low"], judged["high"]
    mute = next((one for one in mutes if one.check_name in ("", judged["check"])), None)
    state = "muted" if mute else "usual" if judged["ok"] else "unusual"
    band = f"{format(low, form)} to {format(high, form)}" if low is not None and high is not None else ""
    now = format(value, form) if value is not None else ""
    drawing = chart(judged["what"], past, form)
    return Detector(
        judged["check"], judged["what"], judged["note"], now, band, state, judged.get("said", ""), drawing, mute
    )


def _freshness(came: arrivals.Arrivals | None, mutes: Sequence[Mute]) -> list[Detector]:
    if came is None:
        return []
    judged = came.judge(timezone.now())
    if judged is not None:
        return [_detector(judged.as_json(), [], mutes)]
    many = f"{len(came.times)} of {LEAST} loads" if len(came.times) < LEAST else "from the next load on"
    return [Detector("freshness", "Hours since the last load", many, "", "", "learning")]


def _rows_chart(looks: Sequence[Json]) -> Chart | None:
    points = []
    for look in looks:
        judged = next((each for each in look["judged"] if each["check"] in ("rows", "table_rows")), None)
        own = judged if judged and judged["value"] == look["profile__rows"] else None
        low, high, ok = (own["low"], own["high"], own["ok"]) if own else (None, None, True)
        points.append(Point(look["at"], float(look["profile__rows"]), low, high, ok))
    return chart("Rows", points)


def _drawing(asset: Asset) -> Drawing | None:
    """Two steps up and two down, which is what fits."""
    up, down = lineage.above([asset.pk])[asset.pk], lineage.below([asset.pk])[asset.pk]
    depth = {pk: -steps for pk, steps in up.items()} | down
    near = dict(sorted(((pk, at) for pk, at in depth.items() if abs(at) <= 2), key=lambda pair: abs(pair[1]))[:DRAWN])
    if len(near) < 2:
        return None
    rows = Asset.objects.in_bulk(near)
    nodes: list[dict[str, Any]] = [
        {"uri": rows[pk].ref.uri, "name": rows[pk].name, "kind": rows[pk].kind, "depth": at, "note": rows[pk].kind,
         "state": "root" if pk == asset.pk else "healthy"}
        for pk, at in near.items()
    ]  # fmt: skip
    pairs = AssetEdge.objects.filter(upstream__in=near, downstream__in=near).values_list("upstream", "downstream")
    return draw({"nodes": nodes, "edges": [[rows[a].ref.uri, rows[b].ref.uri] for a, b in sorted(pairs)]})
