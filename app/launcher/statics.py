"""Static files are collected again only when one of their sources changed."""

from __future__ import annotations

import hashlib
import os
from importlib import metadata
from pathlib import Path

from app.launcher.folder import DataFolder, write_private
from app.launcher.plan import BASE, manage
from app.launcher.processes import Spec

SOURCES = ("app/static",)
PACKAGES = ("django", "django-htmx", "django-ninja", "whitenoise")


def collecting(folder: DataFolder) -> Spec | None:
    """The `collectstatic` that is due, or None when the last one saw the same files."""
    if _stamp(folder).exists() and _stamp(folder).read_text() == _digest():
        return None
    env = {
        **os.environ,
        "COUNTERSIGN_SECRET_KEY": "unused",
        "COUNTERSIGN_DATA_DIR": str(folder.root),
        "COUNTERSIGN_DEBUG": "0",
    }
    return Spec(
        "collectstatic", manage("collectstatic", "--noinput", "--verbosity", "0"), env, stage=0, keep=False, cwd=BASE
    )


def collected(folder: DataFolder) -> None:
    write_private(_stamp(folder), _digest())


def _stamp(folder: DataFolder) -> Path:
    return folder.run / "static.sha256"


def _digest() -> str:
    digest = hashlib.sha256(repr([(name, metadata.version(name)) for name in PACKAGES]).encode())
    for source in SOURCES:
        for path in sorted((BASE / source).rglob("*")):
            if path.is_file():
                digest.update(f"{path.relative_to(BASE)} {path.stat().st_mtime_ns} {path.stat().st_size}".encode())
    return digest.hexdigest()
