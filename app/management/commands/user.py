"""`manage.py user add NAME --email … --role …`: add a person from the host, and print a link to choose a password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction
from django.urls import reverse

from app.accounts import people
from app.core import audit
from app.core.errors import Invalid
from app.core.models import User
from app.core.roles import ROLES


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="add a person")
        add.add_argument("username")
        add.add_argument("--email", required=True)
        add.add_argument("--name", default="")
        add.add_argument("--role", action="append", choices=ROLES, required=True, help="may be given several times")
        add.add_argument("--on-call", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        first, _, last = (options["name"] or options["username"]).partition(" ")
        person = User(username=options["username"], email=options["email"], first_name=first, last_name=last)
        try:
            person.roles, person.on_call = people.known(options["role"]), options["on_call"]
            person.set_unusable_password()
            with transaction.atomic():
                person.save()
                detail = {"roles": person.roles}
                audit.record("person.created", person, actor=audit.SYSTEM, source="command", detail=detail)
        except IntegrityError as error:
            raise CommandError(f"There is already somebody called {person.username}. Choose another name.") from error
        except Invalid as error:
            raise CommandError(str(error)) from error
        link = settings.URL + reverse("welcome", args=people.welcome_parts(person))
        self.stdout.write(f"{person.username} was added. Choose a password (works once, three days): {link}")
