"""What the live message shows in each of its states, as Block Kit: parts, buttons and the last thing that happened."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from approvals.live.buttons import is_signed_here
from approvals.live.cards import card
from approvals.live.says import SAYS
from approvals.live.view import view
from approvals.models import Decision
from integrations.slack import blocks
from tests.approvals.live.stages import (
    Rows,
    asked,
    decided,
    done,
    ended,
    high,
    incident,
    inconclusive,
    lapsed,
    preparing,
    running,
    signed,
    undone,
    window,
    without_proposal,
)
from tests.pages import seed
from tests.slack_blocks import problems


@pytest.fixture
def rows(db: None) -> Rows:
    cast = seed.people()
    yen = seed.inbox(cast)
    Decision.objects.all().delete()
    return yen, yen.proposals.get(), cast


ASK = ["approve", "reject", "request_changes", "link-edit"]
OPEN, RESTAGE = ["link-open"], ["restage", "link-drift"]
HEAD, FACTS, WORDS, ACTS, SMALL = "header", "fields", "text", "actions", "context"
WITH_FACTS, SHORT = [HEAD, WORDS, FACTS, WORDS, ACTS, SMALL], [HEAD, WORDS, WORDS, ACTS, SMALL]
Case = tuple[str, Callable[[Rows], object], list[str], list[str], str]
CASES: list[Case] = [
    ("opened", lambda r: without_proposal(r, "open"), WITH_FACTS, OPEN, r"Opened\. Logs, .* No action needed\."),
    ("diagnosing", lambda r: without_proposal(r, "diagnosing"), WITH_FACTS, OPEN, r"Opened\. .* No action needed\."),
    ("reopened", lambda r: without_proposal(r, "open", reopened=1), WITH_FACTS, OPEN, r"Opened again\."),
    ("inconclusive", inconclusive, WITH_FACTS, OPEN, r"Inconclusive: .*A person has to say"),
    ("escalated", lambda r: without_proposal(r, "escalated"), WITH_FACTS, OPEN, r"Needs a person"),
    ("preparing", preparing, WITH_FACTS, OPEN, r"Proposal 2 is reh"),
    ("waiting", lambda r: incident(r, "awaiting_decision"), WITH_FACTS, ASK, r"Waits for 2 signatures\."),
    ("waiting", high, WITH_FACTS, ["link-sign", "reject", "request_changes", "link-edit"], r"signed in the console"),
    ("signing", lambda r: signed(r, "lead"), WITH_FACTS, [*ASK[:3], "withdraw", ASK[3]],
     r"1 of 2 signed: .* \d\d:\d\d\. The next signature publishes at once\."),
    ("running", running, SHORT, OPEN, r"Approved by .* and .*\. Running\. Step 2 of 2: Rebuild the models\."),
    ("window", window, WITH_FACTS, OPEN,
     r"Starts in its window, .* UTC\."),
    ("done", done, SHORT, OPEN,
     r"Published .*\. Signed by .* and .*\. Follow-up on the next 2 runs\. Undo in the console until .* UTC\."),
    ("undone", undone, SHORT, OPEN, r"Taken back: .* Asked for by .*\."),
    ("rejected", lambda r: decided(r, "reject", "rejected", reason="wrong_fix"), SHORT, OPEN,
     r"Rejected .* by .*: Treasury wants the month-end rate\."),
    ("changes_requested", lambda r: decided(r, "request_changes", "changes_requested"), SHORT, OPEN,
     r"Changes were asked for .* by .*: Treasury"),
    ("expired", lambda r: lapsed(r, "expired", "Nobody signed in time."), SHORT, RESTAGE,
     r"nobody did in time\. The 1 sig"),
    ("superseded", lambda r: lapsed(r, "superseded", "Production moved."), SHORT, RESTAGE,
     r"can no longer be signed\. Production moved\. The 1 signature given is void\."),
    ("verification_failed", lambda r: ended(r, "verification_failed"), SHORT, RESTAGE,
     r"Proposal 2 failed its rehearsal"),
    ("blocked", lambda r: ended(r, "blocked"), SHORT, OPEN, r"The safety rules blocked"),
    ("failed", lambda r: ended(r, "failed"), SHORT, OPEN, r"Carrying it out failed"),
    ("asked", asked, SHORT, OPEN, r"Carla Reyes was asked\. An answer is due .* UTC\."),
    ("resolved", lambda r: without_proposal(r, "resolved", resolution="false_positive"), SHORT,
     OPEN, r"Resolved: false positive\."),
]  # fmt: skip


def part(block: dict[str, Any]) -> str:
    return block["type"] if block["type"] != "section" else "fields" if "fields" in block else "text"


@pytest.mark.parametrize(("state", "arrange", "parts", "acts", "says"), CASES, ids=[case[0] for case in CASES])
def test_each_state_has_its_parts_its_buttons_and_its_words(
    rows: Rows, state: str, arrange: Any, parts: list[str], acts: list[str], says: str
) -> None:
    incident(rows, "awaiting_decision")
    arrange(rows)
    found, drawn = card(view(rows[0].number))
    made = blocks.card(drawn)
    assert (found, problems(made)) == (state, [])
    assert [part(block) for block in made] == parts
    [row] = [block["elements"] for block in made if block["type"] == "actions"]
    assert [button["action_id"] for button in row] == acts
    assert re.search(says, drawn.state), drawn.state
    assert "mrkdwn" not in str([block for block in made if block["type"] != "context"])


def test_no_state_is_without_a_case() -> None:
    assert {case[0] for case in CASES} == set(SAYS)


def test_the_facts_of_a_proposal_stand_in_their_places(rows: Rows) -> None:
    incident(rows, "awaiting_decision")
    _, drawn = card(view(rows[0].number))
    labels = ["Proposed fix", "Effect, Revenue, 19 Nov", "Rehearsed on", "Risk", "Impact", "Signatures"]
    assert [label for label, _ in drawn.facts] == labels
    facts = dict(drawn.facts)
    assert facts["Effect, Revenue, 19 Nov"] == "$3,118,402 to $81,794, expected 71,200–93,600"
    assert facts["Rehearsed on"] == "fix-inc-1042, 6 of 6 checks"
    assert facts["Signatures"].startswith("0 of 2, expires ")
    assert drawn.context == (
        "Medium risk needs two people.",
        "Plan 9f2c 41d7 b06e 8a13. A change to the plan voids this message.",
    )
    assert len(drawn.title) <= 60


def test_approving_names_its_exact_effect_first(rows: Rows) -> None:
    incident(rows, "awaiting_decision")
    first = card(view(rows[0].number))[1].buttons[0]
    assert (first.label, "nothing happens yet" in first.confirm) == ("Approve, 1 of 2", True)
    signed(rows, "lead")
    last = card(view(rows[0].number))[1].buttons[0]
    assert last.label == "Approve & publish"
    assert "at once, in production: Fast-forward `main` to the branch; Rebuild the affected models" in last.confirm
    assert "Plan 9f2c 41d7 b06e 8a13, proposal 2 of INC-" in last.confirm
    assert max(len(first.confirm), len(last.confirm)) <= 300


@pytest.mark.parametrize("more", [{"second_factor": True}, {"step_up": True}, {"doors": ["web"]}])
def test_a_policy_that_asks_for_more_leads_to_the_console(rows: Rows, more: dict[str, Any]) -> None:
    made = rows[1]
    assert is_signed_here(made)
    made.policy = {**made.policy, **more}
    assert not is_signed_here(made)
