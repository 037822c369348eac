"""Bar 11: twelve classes of accounts in five configurations; only the mapped approver, where all is well, approves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction

from app.core.errors import NotAllowed
from app.core.models import User
from app.core.roles import require
from approvals.live.identity import Unlinked, person_of
from approvals.live.who import who
from integrations.cards import Member
from integrations.models import Act, Connection, LinkedAccount
from tests import factories
from tests.slack_server import Slack, slack_server


@pytest.fixture
def slack(db: None) -> Iterator[Slack]:
    with slack_server() as served:
        yield served


MAPPED, UNREACHABLE = "mapped", "mapping unreachable"
Arrange = Callable[[Slack, Connection], None]


def link(team: Connection, user: User, person: str, workspace: str = "T0001") -> None:
    LinkedAccount.objects.create(connection=team, user=user, team=workspace, person=person, name=person)


def approver(slack: Slack, team: Connection, **flags: Any) -> str:
    """An approver whose account was linked while it was in good standing; `flags` are what Slack says of it now."""
    link(team, factories.user("approver", "approver"), "U1")
    return slack.person("U1", **flags)


def unmapped(slack: Slack, team: Connection) -> str:
    factories.user("approver", "approver", slack_id="U1")
    return slack.person("U1", profile={"display_name": "approver", "email": "approver@example.com"})


def wrong_role(slack: Slack, team: Connection) -> str:
    link(team, factories.user("operator", "operator", "administrator"), "U1")
    return slack.person("U1")


def other_workspace(slack: Slack, team: Connection) -> str:
    link(team, factories.user("approver", "approver"), "U1", "T0001")
    return slack.person("U1", team_id="T0666")


def look_alike(slack: Slack, team: Connection) -> str:
    real = slack.people[approver(slack, team)]
    slack.people[slack.person("U2")] |= {"name": real["name"], "profile": dict(real["profile"])}
    return "U2"


def disabled_here(slack: Slack, team: Connection) -> str:
    link(team, factories.user("approver", "approver", is_active=False), "U1")
    return slack.person("U1")


CLASSES: dict[str, Callable[[Slack, Connection], str]] = {
    MAPPED: approver,
    "unmapped": unmapped,
    "wrong role": wrong_role,
    "guest": lambda slack, team: approver(slack, team, is_restricted=True),
    "guest of one channel": lambda slack, team: approver(slack, team, is_restricted=True, is_ultra_restricted=True),
    "stranger by Slack Connect": lambda slack, team: approver(slack, team, is_stranger=True),
    "deactivated": lambda slack, team: approver(slack, team, deleted=True),
    "bot": lambda slack, team: approver(slack, team, is_bot=True),
    "e-mail unconfirmed": lambda slack, team: approver(slack, team, is_email_confirmed=False),
    "other workspace": other_workspace,
    "renamed to look like one": look_alike,
    "disabled in the console": disabled_here,
}
CONFIGURATIONS: dict[str, Arrange] = {
    "normal": lambda slack, team: None,
    "nobody is linked": lambda slack, team: LinkedAccount.objects.all().delete() and None,
    UNREACHABLE: lambda slack, team: None,
    "Slack does not answer": lambda slack, team: slack.say("users.info", 503, 503, 503),
    "the token was revoked": lambda slack, team: setattr(slack, "revoked", "token_revoked"),
}


@pytest.mark.parametrize(("kind", "configuration"), list(product(CLASSES, CONFIGURATIONS)))
def test_only_the_mapped_approver_where_all_is_well(
    slack: Slack, team: Connection, kind: str, configuration: str
) -> None:
    person = CLASSES[kind](slack, team)
    act = Act(connection=team, team=slack.people[person]["team_id"], person=person, kind="block_actions")
    CONFIGURATIONS[configuration](slack, team)
    if (kind, configuration) == (MAPPED, "normal"):
        require(who(act), "proposal.decide")
        return
    with pytest.raises(NotAllowed), unreadable(configuration == UNREACHABLE):
        require(who(act), "proposal.decide")


@contextmanager
def unreadable(wanted: bool) -> Iterator[None]:
    """The table of links cannot be read meanwhile; what refuses rolls that back."""
    table = LinkedAccount._meta.db_table
    with transaction.atomic():
        if wanted:
            with database.cursor() as cursor:
                cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        yield


def test_there_are_sixty_cells() -> None:
    assert len(CLASSES) * len(CONFIGURATIONS) == 60


@pytest.mark.parametrize(
    "missing", ["deleted", "is_bot", "is_email_confirmed", "team_id", "id"], ids=lambda name: f"without {name}"
)
def test_what_slack_does_not_say_counts_against(slack: Slack, team: Connection, missing: str) -> None:
    person = approver(slack, team)
    del slack.people[person][missing]
    with pytest.raises(NotAllowed):
        who(Act(connection=team, team="T0001", person=person))


def test_an_account_counts_in_the_connection_in_which_it_was_linked(slack: Slack, team: Connection) -> None:
    person = approver(slack, team)
    second = slack.connect("second")
    with pytest.raises(Unlinked):
        who(Act(connection=second, team="T0001", person=person))


@pytest.mark.parametrize("change", [{"enabled": False}, {"facts": {}}, {"facts": {"team": "T0002"}}])
def test_a_connection_that_is_off_or_of_an_unknown_workspace_knows_nobody(
    slack: Slack, team: Connection, change: dict[str, Any]
) -> None:
    person = approver(slack, team)
    Connection.objects.update(**change)
    with pytest.raises(NotAllowed):
        who(Act(connection=Connection.objects.get(), team="T0001", person=person))


def test_who_is_not_linked_gets_a_link_for_their_account_alone(slack: Slack, team: Connection) -> None:
    person = unmapped(slack, team)
    act = Act(connection=team, team="T0001", person=person)
    with pytest.raises(Unlinked) as refused:
        who(act)
    assert refused.value.link.startswith("http://127.0.0.1:8000/settings/notifications/link/")
    offer = team.link_offers.get()
    assert (offer.team, offer.person) == ("T0001", "U1")
    assert refused.value.link.split("/")[-2] not in str(vars(offer)), "the code itself is not kept"


def test_what_slack_says_of_another_account_is_of_no_use(slack: Slack, team: Connection) -> None:
    person = approver(slack, team)
    slack.person("U2")
    assert who(Act(connection=team, team="T0001", person=person)).username == "approver"
    with pytest.raises(NotAllowed):
        person_of("T0001", "U2", _member("U1"), connection=team)
    with pytest.raises(NotAllowed):
        person_of("", "", _member(""), connection=team)


def _member(person: str) -> Member:
    return Member("T0001", person, "x")
