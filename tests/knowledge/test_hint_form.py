"""Hints go through the form and come back as they were."""

from __future__ import annotations

import json

import pytest

from knowledge.hint_form import beyond, gathered, hint_fields, initial
from knowledge.hints import Contact, DoNotTouch, ExpectedChange, Header, Hint, KnownFlaky, MustApprove, RetryWindow

ONES: list[Hint] = [
    RetryWindow("after", "22:00", "02:30", zone="Europe/Berlin", days=(0, 2, 4), most_retries=3),
    Contact("partner-integrations", "#partners"),
    ExpectedChange("amount", "up", 5.0, 12.5, asset="raw.sales", until="2027-01-31"),
    ExpectedChange("", "either", 0.0, 20.0),
    Header("X-Cluster-Key", "vault://cluster/token", "10.0.0.1:6443"),
    DoNotTouch("the auditors read it"),
    KnownFlaky("the nightly restart", minutes=20),
    MustApprove(("ada", "role:administrator")),
]


@pytest.mark.parametrize("hint", ONES, ids=lambda hint: hint.sentence)
def test_a_hint_comes_back_as_it_was(hint: Hint) -> None:
    assert gathered(initial([hint])) == ([hint], {})


@pytest.mark.parametrize("hint", ONES, ids=lambda hint: hint.sentence)
def test_every_value_of_a_hint_has_a_field_and_its_field_can_hold_it(hint: Hint) -> None:
    held = initial([hint])
    fields = hint_fields(held["retry_window-days"])
    assert held.keys() <= fields.keys()
    assert [name for name, field in fields.items() if field.clean(held.get(name, "")) is None] == []


def test_an_untouched_form_says_nothing() -> None:
    assert gathered(initial([])) == ([], {})


def test_what_the_form_has_no_fields_for_is_kept_beside_it() -> None:
    first, second = Contact("ada"), Contact("grace")
    assert initial([first, second])["contact-who"] == "ada"
    assert beyond([first, ONES[0], second, ONES[5]]) == [second]


def test_numbers_that_are_none_are_said_and_not_guessed() -> None:
    held = initial([ONES[0]]) | {"retry_window-most_retries": "1.5"}
    assert gathered(held)[1] == {"retry_window-most_retries": "most_retries is a whole number."}
    held = initial([ONES[2]]) | {"expected_change-high": "1e400"}
    assert "expected_change-high" in gathered(held)[1]
    assert json.dumps(gathered(held)[1])
