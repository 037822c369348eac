"""Reads of Settings › Models: what was spent, what was asked, what waits to be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Now

from app.core.errors import Invalid
from app.gateway import pins
from incidents.agent import prompts, sandbox
from incidents.agent.records import ModelCall, ToolPin
from integrations.llm import config as models
from integrations.llm.config import ModelConfig
from integrations.models import Connection
from knowledge import vectors

DAY, LAST = timedelta(hours=24), 10  # calls that are listed


@dataclass(frozen=True)
class Spend:
    day: Decimal
    ever: Decimal
    calls: int
    failed: int
    cached: int
    # Name of a connection and its money of the day.
    by_connection: list[tuple[str, Decimal]]


@dataclass(frozen=True)
class Prompt:
    name: str
    text: str


@dataclass(frozen=True)
class Meaning:
    """The model for vectors."""

    config: ModelConfig | None
    wrong: str
    row: Connection | None
    # Why the database keeps no vectors; empty when it does.
    refusal: str
    # Notes with a vector, and notes that should have one.
    kept: int
    every: int


@dataclass(frozen=True)
class Page:
    config: ModelConfig | None
    # Why what is configured cannot be used; empty when it can.
    wrong: str
    row: Connection | None
    has_key: bool
    spend: Spend
    calls: QuerySet[ModelCall]
    prompts: list[Prompt]
    prompt_hash: str
    walls: sandbox.Walls
    quarantined: list[ToolPin]
    meaning: Meaning


def page() -> Page:
    wrong, config = "", None
    try:
        config = models.current()
    except Invalid as error:
        wrong = str(error)
    row = model_row()
    return Page(
        config, wrong, row, bool(row and row.credentials.filter(name="key").exists()), _spend(),
        ModelCall.objects.select_related("incident").order_by("-pk")[:LAST],
        [Prompt(name, prompts.text(name)) for name in prompts.NAMES], prompts.prompt_hash(),
        sandbox.walls(), pins.quarantined(), _meaning(),
    )  # fmt: skip


def model_row(kind: str = models.KIND) -> Connection | None:
    return Connection.objects.filter(kind=kind).order_by("pk").first()


def _meaning() -> Meaning:
    wrong, config = "", None
    try:
        config = models.embedding()
    except Invalid as error:
        wrong = str(error)
    refusal = vectors.refusal()
    kept, every = vectors.count(config.label) if config and not refusal else (0, 0)
    return Meaning(config, wrong, model_row(models.EMBEDDING), refusal, kept, every)


def _spend() -> Spend:
    today = ModelCall.objects.filter(at__gt=Now() - DAY)
    told = today.aggregate(
        money=Sum("cost"), calls=Count("pk"), failed=Count("pk", filter=Q(state="failed")),
        cached=Count("pk", filter=Q(state="cached")),
    )  # fmt: skip
    each = today.exclude(connection="").values_list("connection").annotate(money=Sum("cost")).order_by("-money")
    ever = ModelCall.objects.aggregate(money=Sum("cost"))["money"]
    none = Decimal(0)
    return Spend(told["money"] or none, ever or none, told["calls"], told["failed"], told["cached"], list(each))
