"""People from the host: `manage.py user add NAME --email … --role …` prints a link to choose a password.

`manage.py user reset NAME` is for whoever lost the second factor where nobody else can help: it is taken away, the
sessions end, and such a link is printed.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction
from django.urls import reverse

from app.accounts import people, second_factor
from app.core import audit
from app.core.audit import Source
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

        reset = verbs.add_parser("reset", help="take the second factor away, and print a link to choose a password")
        reset.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "reset":
            self._reset(options["username"])
        else:
            self._add(options)

    def _reset(self, username: str) -> None:
        person = User.objects.filter(username=username, is_active=True).first()
        if person is None:
            raise CommandError(f"There is nobody called {username} whose account is open.")
        second_factor.forget(person, "person.second_factor_reset", actor=audit.SYSTEM, source=Source("command"))
        self.stdout.write(f"{username} has no second factor now. Choose a password: {_link(person)}")

    def _add(self, options: dict[str, Any]) -> None:
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
        self.stdout.write(f"{person.username} was added. Choose a password (works once, three days): {_link(person)}")


def _link(person: User) -> str:
    return settings.URL + reverse("welcome", args=people.welcome_parts(person))
