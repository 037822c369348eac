"""Check the audit trail record by record and name what does not fit."""

from __future__ import annotations

import sys
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from app.core import seal
from app.core.models import AuditRecord, AuditSeal


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--most", type=int, default=20, help="how many problems to print")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0 when all is well, 1 when something does not fit."""
        problems = list(islice(seal.verify(), options["most"]))
        for problem in problems:
            self.stdout.write(str(problem))
        if problems:
            self.stdout.write("The trail was tampered with. First bad place above; keep a copy before you go on.")
            sys.exit(1)
        sealed = AuditSeal.objects.count()
        self.stdout.write(f"{sealed} sealed records fit, {AuditRecord.objects.count() - sealed} wait to be sealed.")
