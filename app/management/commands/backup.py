"""`manage.py backup FILE`: database, secrets and keys in one file."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from app.launcher.backup import back_up
from app.launcher.errors import CannotStart
from app.launcher.folder import DataFolder


class Command(BaseCommand):
    help = "Write database, secrets and keys into one file. Keep it as you would keep a password."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--data-dir", type=Path, default=settings.DATA_DIR, help="which installation")

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)
        try:
            size = back_up(DataFolder(Path(options["data_dir"]).expanduser().absolute()), options["file"])
        except CannotStart as error:
            self.stderr.write(str(error))
            sys.exit(2)
        self.stdout.write(
            f"{options['file']}: {size / 1024**2:.1f} MB. It holds every key: keep it where only you can read it."
        )
