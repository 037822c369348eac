"""`manage.py up`: everything, with one command."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from app.launcher.folder import DataFolder
from app.launcher.launch import Launch
from app.launcher.plan import Options
from app.launcher.progress import Progress
from app.launcher.watch import under_watch


class Command(BaseCommand):
    help = "Start Countersign: database, broker, gateway, workers, beat, event stream and web. Ctrl-C stops everything."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the web port; the event stream takes the next one")
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
        parser.add_argument("--data-dir", type=Path, default=settings.DATA_DIR, help="where everything is kept")
        parser.add_argument("--demo", action="store_true", help="with a small company's pipeline to break")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = DataFolder(Path(options["data_dir"]).expanduser().absolute())
        chosen = Options(options["host"], options["port"], options["demo"])
        launch = Launch(chosen, folder, Progress(self.stdout), Progress(self.stderr))
        os.umask(0o077)
        sys.exit(under_watch(launch.run, launch.supervisor.listen))
