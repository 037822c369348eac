from __future__ import annotations

from django.apps import AppConfig

from app import celery  # noqa: F401  because shared tasks and `ring` need the current app


class RoofConfig(AppConfig):
    name = "app"
    label = "roof"
