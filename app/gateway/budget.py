"""What the model may cost: a call is booked with its worst cost before it is made, and settled after it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Now

from app.core.errors import CountersignError
from incidents.agent.records import ModelCall
from incidents.models import Incident
from integrations.grants import Grant
from integrations.llm.config import EMBEDDING, ModelConfig

DAY = timedelta(hours=24)
BOOKING = 7_206_114  # any number: the key of the advisory lock under which calls are booked


class OverBudget(CountersignError):
    """The model's budget is spent."""

    status, code = 429, "over_budget"


def book(config: ModelConfig, grant: Grant, digest: str, tokens_in: int, tokens_out: int) -> ModelCall:
    """A row for a call that may begin now. Raises OverBudget with the bound that it would break."""
    incident = Incident.objects.select_related("connection").filter(pk=grant.incident or 0).first()
    worst = config.cost(tokens_in, tokens_out)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [BOOKING])  # two calls must not both be the last
        _refuse_over(config, incident, tokens_in + tokens_out, worst)
        return ModelCall.objects.create(
            incident=incident,
            connection=incident.connection.name if incident else "",
            nonce=grant.nonce,
            model=config.label,
            request_digest=digest,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            cost=worst,
        )


def _refuse_over(config: ModelConfig, incident: Incident | None, tokens: int, worst: Decimal) -> None:
    today = ModelCall.objects.filter(at__gt=Now() - DAY).exclude(state="cached")
    if config.kind == EMBEDDING:  # its money is its own, so that vectors never stop for what a diagnosis cost
        today = today.filter(model=config.label)
    if spent(today) + worst > config.per_day:
        raise OverBudget(f"The model's money for a day (${config.per_day}) is spent.")
    if incident is None:
        return
    source = incident.connection.name
    if spent(today.filter(connection=source)) + worst > config.per_connection:
        raise OverBudget(f"The model's money for {source} in a day (${config.per_connection}) is spent.")
    mine = today.filter(incident=incident)
    if spent(mine) + worst > config.per_incident:
        raise OverBudget(f"The model's money for one incident (${config.per_incident}) is spent.")
    if mine.count() >= config.calls:
        raise OverBudget(f"The model was called {config.calls} times for this incident.")
    used = mine.aggregate(total=Sum(F("tokens_in") + F("tokens_out")))["total"] or 0
    if used + tokens > config.tokens:
        raise OverBudget(f"The model's {config.tokens} tokens for this incident are used up.")


def spent(calls: QuerySet[ModelCall]) -> Decimal:
    """US dollars of these calls, those under way with their worst."""
    found = calls.aggregate(total=Sum("cost"))["total"]
    return Decimal(found or 0)
