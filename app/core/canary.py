"""A song through each queue: a worker can be up and deaf after its broker came back, so alive means "consumed"."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from app.core.models import Canary

QUEUES = ["act", "diagnose", "tell"]
SILENT = timedelta(seconds=90)  # three songs missed


def sing(queue: str) -> None:
    """A worker of `queue` heard it."""
    if queue in QUEUES:
        Canary.objects.update_or_create(queue=queue, defaults={"sung_at": Now()})


def silent() -> list[str]:
    """Queues that nobody was seen to consume of late."""
    heard = Canary.objects.filter(sung_at__gt=Now() - SILENT).values_list("queue", flat=True)
    return [queue for queue in QUEUES if queue not in set(heard)]
