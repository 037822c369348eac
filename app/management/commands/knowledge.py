"""`manage.py knowledge import PATH --by NAME | export PATH | sync`: notes as markdown, as CSV, or in a repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from app.core.audit import Actor
from app.core.errors import CountersignError
from app.core.models import User
from app.core.roles import require
from integrations.errors import IntegrationError
from knowledge.exchange.folder import read_folder, write_folder
from knowledge.exchange.repository import sync_all
from knowledge.exchange.table import read_table, write_table
from knowledge.exchange.take import Bringer, Taken


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        brings = verbs.add_parser("import", help="read a folder of markdown, or a .csv")
        brings.add_argument("path", type=Path)
        brings.add_argument("--by", required=True, help="the user name of whose notes they are")
        verbs.add_parser("export", help="write a folder of markdown, or a .csv").add_argument("path", type=Path)
        verbs.add_parser("sync", help="pull and commit the notes of every git connection that names a folder")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(options)
        except (CountersignError, IntegrationError, OSError) as error:
            raise CommandError(str(error)) from error

    def _import(self, options: dict[str, Any]) -> None:
        by = User.objects.filter(username=options["by"], is_active=True).first()
        if by is None:
            raise CommandError(f"There is nobody called {options['by']}.")
        require(by, "knowledge.write")
        path: Path = options["path"]
        read = read_table if path.suffix.lower() == ".csv" else read_folder
        self._tell(path.name, read(path, Bringer(by, Actor.of(by), "command")))

    def _export(self, options: dict[str, Any]) -> None:
        path: Path = options["path"]
        count = write_table(path) if path.suffix.lower() == ".csv" else write_folder(path)
        self.stdout.write(f"{count} entries were written to {path}.")

    def _sync(self, options: dict[str, Any]) -> None:
        done = sync_all("command")
        for name, taken in done.items():
            self._tell(name, taken)
        if not done:
            self.stdout.write("No git connection names a folder of notes. Set one under Settings › Connections.")

    def _tell(self, name: str, taken: Taken) -> None:
        created, changed, archived = len(taken.created), len(taken.changed), len(taken.archived)
        self.stdout.write(f"{name}: {created} new, {changed} changed, {archived} archived, {taken.same} as they were.")
        for note in taken.notes:
            self.stdout.write(f"  {note}")
