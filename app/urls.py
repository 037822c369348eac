"""The site as a table of contents."""

from __future__ import annotations

urlpatterns: list = []
