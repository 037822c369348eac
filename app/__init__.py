"""The roof: settings, urls, processes and commands."""

from __future__ import annotations
