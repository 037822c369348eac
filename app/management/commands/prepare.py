"""`manage.py prepare`: what a start needs of the database. `up` runs it as the owner role."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection, transaction

from app.launcher.demo import make_people
from app.launcher.grants import grant_statements
from knowledge import vectors


class Command(BaseCommand):
    help = (
        "Migrate, make the table of vectors where pgvector is, grant the application role what it needs and no more,"
        " and with --demo make the demo's people."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--app-role", default="", help="the role of the processes; empty when the owner does both")
        parser.add_argument("--demo", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=1, stdout=self.stdout)
        vectors.prepare()
        if role := options["app_role"]:
            with transaction.atomic(), connection.cursor() as cursor:
                for statement in grant_statements(connection.introspection.table_names(), role):
                    cursor.execute(statement.as_string(None))
        if options["demo"]:
            make_people()
