"""The demo's people: one for each role, with passwords and tokens made here and kept in the data folder."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from app.core import audit
from app.core.audit import SYSTEM
from app.core.models import ApiToken, User
from app.core.roles import ADMINISTRATOR, APPROVER, AUDITOR, OPERATOR, VIEWER
from app.launcher.folder import DataFolder, read_json, write_private

TOKEN_LIFE = timedelta(days=365)


@dataclass(frozen=True)
class Person:
    """One of the cast. `key` names the token in demo.json; an empty one gets none."""

    username: str
    first: str
    last: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    key: str

    @property
    def email(self) -> str:
        return f"{self.first}.{self.last}@shop.example".lower()


CAST = (
    Person("olga", "Olga", "Ivers", (OPERATOR,), ("read", "propose"), "operator"),
    Person("ana", "Ana", "Prado", (OPERATOR, APPROVER), ("read", "propose", "decide"), "approver"),
    Person("ben", "Ben", "Osei", (APPROVER,), ("read", "decide"), "second_approver"),
    Person("vera", "Vera", "Lindt", (VIEWER,), ("read",), "viewer"),
    Person("aude", "Aude", "Moreau", (AUDITOR,), ("read",), "auditor"),
    Person("ada", "Ada", "Stone", (ADMINISTRATOR,), (), ""),
)


def make_people() -> None:
    """Make the cast with its passwords and tokens and write demo.json. Running it again changes nothing."""
    folder = DataFolder(settings.DATA_DIR)
    kept = read_json(_file(folder))
    people = {person.username: kept.get(person.username) or _fresh(person) for person in CAST}
    write_private(_file(folder), json.dumps(people, indent=1))
    with transaction.atomic():
        for person in CAST:
            user = _user(person, people[person.username]["password"])
            if person.key:
                _token(user, person, people[person.username]["token"])
    tokens = {person.key: people[person.username]["token"] for person in CAST if person.key}
    write_private(folder.root / "demo.json", json.dumps({"url": settings.URL, "tokens": tokens}, indent=1) + "\n")


def sign_in_lines(folder: DataFolder) -> list[str]:
    """How to sign in, for a person at the terminal."""
    kept = read_json(_file(folder))
    rows = [(person, kept[person.username]["password"]) for person in CAST if person.username in kept]
    return ["Sign in as:", *(f"  {p.username:<6} {password}   {', '.join(p.roles)}" for p, password in rows)]


def _file(folder: DataFolder) -> Path:
    return folder.keys / "people.json"


def _fresh(person: Person) -> dict[str, str]:
    return {"password": secrets.token_urlsafe(12), "token": secrets.token_urlsafe(32)}


def _user(person: Person, password: str) -> User:
    user = User.objects.filter(username=person.username).first()
    if user is not None:
        return user  # because a person may have changed the password or the roles since
    user = User(username=person.username, first_name=person.first, last_name=person.last, email=person.email)
    user.roles = list(person.roles)
    user.on_call = APPROVER in person.roles
    user.set_password(password)
    user.save()
    audit.record("person.created", user, actor=SYSTEM, source="command", detail={"roles": user.roles, "demo": True})
    return user


def _token(user: User, person: Person, token: str) -> None:
    digest = hashlib.sha256(token.encode()).hexdigest()
    _, made = ApiToken.objects.get_or_create(
        digest=digest,
        defaults={
            "user": user,
            "name": "demo",
            "prefix": token[:8],
            "scopes": list(person.scopes),
            "expires_at": timezone.now() + TOKEN_LIFE,
        },
    )
    if made:
        audit.record(
            "token.created", user, actor=SYSTEM, source="command", detail={"scopes": list(person.scopes), "demo": True}
        )
