"""Doorbells of this chapter: each calls its step."""

from __future__ import annotations

from celery import shared_task

from knowledge.embed import embed_missing
from knowledge.exchange.repository import sync_all
from knowledge.life import remind as _remind


@shared_task
def remind() -> None:
    _remind()


@shared_task
def embed() -> None:
    embed_missing()


@shared_task
def sync() -> None:
    sync_all()
