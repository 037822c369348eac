from __future__ import annotations

from app.core.models import User
from approvals.models import PolicyVersion
from approvals.policy.file import write
from approvals.policy.rules import Needs, Rule, When
from approvals.policy.versions import default
from tests.app.test_api import Api
from tests.approvals.policies import put_in_force

RULES = (Rule("Raw needs two", When(asset=("raw.*",)), Needs(2)), Rule("The rest"))


def test_the_policy_is_read_as_rules_sentences_and_a_file(viewer: User) -> None:
    told = Api(viewer, "read").get("policy").json()
    assert (told["number"], told["sha256"], told["waiting"]) == (0, default().hash, None)
    assert told["rules"][0]["says"] == "When the risk is high: two approvers sign, on the web."
    assert told["rules"][0]["when"]["risk"] == ["high"]
    assert told["file"] == write(default().rules)


def test_one_is_tried_and_proposed_and_never_signed_by_token(administrator: User, approver: User) -> None:
    api = Api(administrator, "read", "propose")
    tried = api.post("policy/simulate", file=write(RULES)).json()
    assert (tried["proposals"], tried["more"], tried["changes"]) == (0, 0, [])
    assert "“Raw needs two” asks for 2, and only 1 can sign it today." in tried["unmet"]
    made = api.post("policy/versions", file=write(RULES), note="Two for raw.", based_on=0)
    assert (made.status_code, made.json()["status"], made.json()["author"]) == (201, "proposed", "administrator")
    assert api.get("policy").json()["waiting"]["number"] == 1
    assert api.post("policy/versions", file=write(RULES), note="n", based_on=0).status_code == 409
    assert [one["number"] for one in api.get("policy/versions").json()] == [1]
    assert Api(approver, "read").post("policy/versions/1/sign").status_code == 404
    assert PolicyVersion.objects.get().status == "proposed"


def test_what_is_refused_says_why(administrator: User, approver: User) -> None:
    api = Api(administrator, "read", "propose")
    wrong = api.post("policy/simulate", file="rules:\n  - nam: x\n")
    assert (wrong.status_code, wrong.json()["error"]) == (422, "invalid")
    assert wrong.json()["message"].startswith("Line 2: A rule has no `nam`")
    assert api.post("policy/versions", file="rules: [{name: One}]", note="", based_on=0).status_code == 422
    put_in_force(*RULES)
    assert api.post("policy/versions", file="rules: [{name: One}]", note="n", based_on=0).status_code == 409
    assert Api(administrator, "read").post("policy/versions", file="x", note="n", based_on=1).status_code == 403
    given = {"file": "rules: [{name: One}]", "note": "n", "based_on": 1}
    assert Api(approver, "read", "propose").post("policy/versions", **given).status_code == 403


def test_groups_are_read_and_changed(administrator: User, approver: User) -> None:
    api = Api(administrator, "read", "propose")
    path = f"/api/v1/people/{approver.pk}"
    changed = api.client.patch(path, {"groups": ["finance"]}, content_type="application/json").json()
    assert (changed["groups"], changed["roles"]) == (["finance"], ["approver"])
    told = {one["username"]: one["groups"] for one in api.get("people").json()}
    assert told == {"administrator": [], "approver": ["finance"]}
