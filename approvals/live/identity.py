"""Which person of ours an account in a messenger is. Whatever is not known, or cannot be told now, is a no."""

from __future__ import annotations

from django.db import Error

from app.core.errors import NotAllowed
from app.core.models import User
from integrations import linking
from integrations.cards import Member
from integrations.models import Connection, LinkedAccount

UNTOLD = "Whose account this is cannot be read now. Try again, or decide in the console."
UNKNOWN = "The workspace of this message is unknown here. Test the connection under Settings › Notifications."


class Unlinked(NotAllowed):
    """Nobody here said that this Slack account is theirs. Link it: open this, signed in, and confirm."""

    def __init__(self, connection: Connection, member: Member) -> None:
        super().__init__()
        self._place = (connection, member)

    @property
    def link(self) -> str:
        """For this account's eyes alone. Made when it is asked for, because not everybody is answered."""
        return linking.offer(*self._place)


def person_of(team: str, person: str, member: Member, *, connection: Connection) -> User:
    """The active person who confirmed, in the console, that account `person` of workspace `team` is theirs.

    `member` is what the messenger says of the account now. Raises NotAllowed, in words that can be whispered, for all
    others, and Unlinked, which has a `link`, where that is what is missing. What the person may do is asked elsewhere.
    """
    if not connection.enabled or not team or connection.facts.get("team") != team:
        raise NotAllowed(UNKNOWN)
    if member.trouble:
        raise NotAllowed(f"{member.trouble} It can decide nothing here.")
    if not person or (member.team, member.id) != (team, person):
        raise NotAllowed("Slack speaks of another account than the one that pressed.")
    account = _linked(team, person, connection)
    if account is None:
        raise Unlinked(connection, member)
    if not account.user.is_active:
        raise NotAllowed("The person of this account is disabled here.")
    return account.user


def _linked(team: str, person: str, connection: Connection) -> LinkedAccount | None:
    rows = LinkedAccount.objects.select_related("user").filter(connection=connection, team=team, person=person)
    try:
        return rows.first()
    except Error as error:
        raise NotAllowed(UNTOLD) from error
