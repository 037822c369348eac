"""Doors for bells, three lines each."""

from __future__ import annotations

from celery import shared_task

from integrations import set_up
from integrations.models import Connection


@shared_task(name="integrations.tasks.test")
def test(pk: int) -> None:
    connection = Connection.objects.get(pk=pk)
    set_up.test(connection)


@shared_task(name="integrations.tasks.greet")
def greet(pk: int) -> None:
    connection = Connection.objects.get(pk=pk)
    set_up.greet(connection)
