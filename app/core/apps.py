from __future__ import annotations

from django.apps import AppConfig

from app.core import checks  # noqa: F401  because importing it registers the checks


class CoreConfig(AppConfig):
    name = "app.core"
    label = "core"
