"""`manage.py doctor`: look at every part and say what to do about each that is not well."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from app.launcher.checkup import HERE
from app.launcher.checkup_database import database
from app.launcher.folder import DataFolder

UNWELL = 1


class Command(BaseCommand):
    help = "Check every part of this installation and print what to do about each that fails."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data-dir", type=Path, default=settings.DATA_DIR, help="which installation")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = DataFolder(Path(options["data_dir"]).expanduser().absolute())
        unwell = 0
        for check in (*HERE, database):
            for finding in check(folder):
                unwell += not finding.well
                self.stdout.write(f"{'ok  ' if finding.well else 'FAIL'} {finding.part:<12} {finding.said}")
                if not finding.well:
                    self.stdout.write("     What to do: " + finding.remedy.replace("\n", "\n     "))
        self.stdout.write("Everything is well." if not unwell else f"{unwell} of the above need you.")
        sys.exit(UNWELL if unwell else 0)
