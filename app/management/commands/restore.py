"""`manage.py restore FILE`: an installation as a backup holds it."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from app.launcher.backup import restore
from app.launcher.errors import CannotStart
from app.launcher.folder import DataFolder


class Command(BaseCommand):
    help = "Put a backup into an empty data folder (or an empty DATABASE_URL), while nothing runs there."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--data-dir", type=Path, default=settings.DATA_DIR, help="which installation")
        parser.add_argument("--force", action="store_true", help="lose what is there now")

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)
        folder = DataFolder(Path(options["data_dir"]).expanduser().absolute())
        try:
            restore(folder, options["file"], force=options["force"])
        except CannotStart as error:
            self.stderr.write(str(error))
            sys.exit(2)
        self.stdout.write(
            f"Restored into {folder.root}. Start it with `manage.py up`; `manage.py audit_verify` checks it."
        )
