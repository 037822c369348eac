"""The prompts are files in `templates/prompts/`, shown under Settings › Models; their hash is on each diagnosis."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template import Context, Engine

NAMES = ("system", "task")
FOLDER = Path(settings.BASE_DIR) / "templates" / "prompts"
_ENGINE = Engine(autoescape=False)  # because a model reads text, not HTML


def text(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_text()


def prompt_hash() -> str:
    return sha256("\0".join(text(name) for name in NAMES).encode()).hexdigest()


def rendered(name: str, **values: Any) -> str:
    return _ENGINE.from_string(text(name)).render(Context(values))
