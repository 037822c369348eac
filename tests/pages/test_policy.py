"""Settings › Policy: read, change and try, propose, sign; without script."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from app.core import clock
from app.core.models import User
from approvals import policy
from approvals.models import PolicyVersion
from approvals.policy.file import write
from approvals.policy.forms import bound, judged, typed
from approvals.policy.rules import Needs, Rule, When, digest
from approvals.policy.versions import default
from incidents.models import Incident
from tests.approvals.light import CHANGED_CODE, proposal
from tests.approvals.policies import put_in_force
from tests.approvals.test_policy_file import FULL

HOME = "/settings/policy/"


def signed_in(person: User, *, stepped: bool = False) -> Client:
    client = Client()
    client.force_login(person)
    if stepped:
        session = client.session
        session["step_up_at"] = clock.now().isoformat()
        session.save()
    return client


def page(client: Client, path: str = HOME) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def fields(*rules: Rule, act: str) -> dict[str, Any]:
    sent: dict[str, Any] = {"count": len(rules), "based_on": policy.in_force().number, "act": act}
    for at, rule in enumerate(rules):
        sent |= {f"r{at}-{name}": values for name, values in typed(rule).items()}
    return sent


def names(answer: Any) -> list[str]:
    return re.findall(r'name="r\d+-name" value="([^"]*)"', unescape(answer.content.decode()))


def test_a_form_gives_back_the_rule_that_it_was_made_of(db: None) -> None:
    strict = Needs(2, ("auditor",), ("a", "b"), ("a",), ("web", "api"), True, 4)
    for rules in (default().rules, (Rule("a", FULL[0].when, strict), Rule("b"))):
        assert judged(bound([typed(rule) for rule in rules])) == rules


def test_everybody_reads_the_rules_as_sentences(viewer: User) -> None:
    shown = page(signed_in(viewer))
    assert "High risk needs two approvers" in shown
    assert "When the risk is high: two approvers sign, on the web." in shown
    assert "This is what Countersign comes with." in shown
    assert write(default().rules) == signed_in(viewer).get(HOME + "file/").content.decode()


def test_buttons_move_add_and_remove_what_is_typed_and_the_last_rule_stays(viewer: User) -> None:
    client = signed_in(viewer)
    rules = (Rule("one", When(risk=("low",))), Rule("two", When(risk=("high",))), Rule("last"))
    for act, expected in (
        ("down:0", ["two", "one", "last"]),
        ("up:1", ["two", "one", "last"]),
        ("up:0", ["one", "two", "last"]),
        ("down:1", ["one", "two", "last"]),
        ("up:2", ["one", "two", "last"]),
        ("remove:0", ["two", "last"]),
        ("remove:2", ["one", "two", "last"]),
        ("remove:x", ["one", "two", "last"]),
    ):
        assert names(client.post(HOME + "edit/", fields(*rules, act=act))) == expected, act
    added = client.post(HOME + "edit/", fields(*rules, act="add")).content.decode()
    assert 'name="r3-name" value="last"' in added and 'name="count" value="4"' in added
    assert not PolicyVersion.objects.exists()


def test_a_file_replaces_the_rules_and_a_wrong_one_says_its_line(viewer: User) -> None:
    client = signed_in(viewer)
    sent = fields(*default().rules, act="read")
    assert names(client.post(HOME + "edit/", sent | {"file": write(FULL)})) == [rule.name for rule in FULL]
    wrong = client.post(HOME + "edit/", sent | {"file": "rules:\n  - nam: x\n"})
    assert wrong.status_code == 422 and "Line 2: A rule has no" in wrong.content.decode()
    assert names(wrong) == [rule.name for rule in default().rules]


def test_what_is_wrong_stands_at_its_field(viewer: User) -> None:
    rules = (Rule("a", When(risk=("low",)), Needs(1, one_from=("x", "y"))), Rule("last"))
    answer = signed_in(viewer).post(HOME + "edit/", fields(*rules, act="try"))
    assert answer.status_code == 422
    assert "2 groups must sign and only 1 signature is asked for" in answer.content.decode()
    assert "Propose this version" not in answer.content.decode()


def test_from_a_change_to_a_signed_version(administrator: User, approver: User, yen: Incident) -> None:
    author, second = signed_in(administrator), signed_in(approver)
    rules = (Rule("Raw needs five", When(asset=("raw.*",)), Needs(5)), *default().rules)
    tried = author.post(HOME + "edit/", fields(*rules, act="try")).content.decode()
    assert "INC-1042" in tried and "would have needed fewer" in tried
    assert "“Raw needs five” asks for 5" in unescape(tried)
    given = {name: unescape(re.search(rf'name="{name}" value="(\w+)"', tried)[1]) for name in ("tried", "based_on")}  # type: ignore[index]
    given |= {"file": write(rules), "note": "Raw data is precious."}
    assert author.post(HOME + "propose/", given | {"tried": "0" * 64}).status_code == 422
    assert author.post(HOME + "propose/", given).status_code == 302
    version = PolicyVersion.objects.get()
    assert "+Raw needs five. When it touches raw.*: five approvers sign." in page(second, HOME + "versions/1/")
    assert "another person must sign it" in page(author)
    sent = {"sha256": version.sha256}
    assert signed_in(administrator, stepped=True).post(HOME + "versions/1/sign/", sent).status_code == 403
    leads = second.post(HOME + "versions/1/sign/", sent, headers={"Referer": f"http://testserver{HOME}"})
    assert leads.headers["Location"] == "/step-up/?next=%2Fsettings%2Fpolicy%2F"
    assert policy.in_force().number == 0
    assert signed_in(approver, stepped=True).post(HOME + "versions/1/sign/", sent).status_code == 302
    assert policy.in_force().rules == rules
    assert "Version 1, proposed by administrator and signed by approver" in page(author)


def test_its_author_takes_it_back_and_another_refuses(administrator: User, approver: User) -> None:
    for who in (administrator, approver):
        answer = signed_in(administrator).post(
            HOME + "propose/",
            {"file": "rules: [{name: One}]", "note": "n", "based_on": "0", "tried": _digest()},
        )
        assert answer.status_code == 302
        number = PolicyVersion.objects.latest("number").number
        assert signed_in(who).post(f"{HOME}versions/{number}/refuse/", {"reason": "No."}).status_code == 302
    assert {*PolicyVersion.objects.values_list("status", flat=True)} == {"refused"}


def _digest() -> str:
    return digest((Rule("One"),))


def test_the_proposal_says_which_rule_asks_for_what(client: Client, approver: User, world: Any) -> None:
    put_in_force(Rule("Code: one of data", When(action=("patch_code",)), Needs(groups=("data",))), Rule("Rest"))
    made = proposal(world, (CHANGED_CODE,))
    shown = page(signed_in(approver), f"/incidents/{made.incident.number}/proposal/")
    assert "Code: one of data" in shown and "One approver of the group <code>data</code> signs." in shown
    assert "/settings/policy/versions/1/" in shown
    assert "The policy asks for somebody of the group data." in shown


def test_names_are_texts_and_queries_are_constant(administrator: User) -> None:
    put_in_force(Rule("<script>alert(1)</script>", When(owner=("<b>`x`</b>",))), Rule("Rest"))
    client = signed_in(administrator)
    asked = []
    for many in (1, 20):
        put_in_force(*(Rule(f"<i>{at}</i>", When(owner=(f"<b>{at}",))) for at in range(many)), Rule("Rest"))
        with CaptureQueriesContext(connection) as seen:
            raw = client.get(HOME).content.decode()
        asked.append(len(seen))
        assert "<i>" not in raw and "<b>" not in raw and "<script>alert" not in raw
    assert asked[0] == asked[1]


@pytest.mark.parametrize("path", ["versions/77/", "file/?version=77", "edit/?version=77"])
def test_a_version_that_is_not_there(viewer: User, path: str) -> None:
    assert signed_in(viewer).get(HOME + path).status_code == 404


def test_groups_are_kept_with_the_person(administrator: User, approver: User) -> None:
    sent = {"act": "change", "roles": ["approver"], "groups": "finance, data finance"}
    client = signed_in(administrator)
    assert client.post(f"/settings/people/{approver.pk}/", sent).status_code == 302
    approver.refresh_from_db()
    assert approver.member_of == ["data", "finance"]
    assert client.post(f"/settings/people/{approver.pk}/", sent | {"groups": "a&b"}).status_code == 422
    assert 'name="groups" value="data finance"' in page(client, "/settings/people/")
