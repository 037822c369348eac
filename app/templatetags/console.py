"""Template tags of the console."""

from __future__ import annotations

from django import template

register = template.Library()
