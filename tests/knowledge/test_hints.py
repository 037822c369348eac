from __future__ import annotations

from typing import Any

import pytest

from app.core.errors import Invalid
from knowledge.hints import HINTS, as_json, parse

GOOD: list[dict[str, Any]] = [
    {"kind": "retry_window", "when": "inside", "start": "02:47", "end": "03:12", "zone": "UTC", "days": [0, 6],
     "most_retries": 1},
    {"kind": "contact", "who": "partner-integrations", "channel": "#partners"},
    {"kind": "expected_change", "column": "amount", "direction": "up", "low": 8.0, "high": 12.0, "asset": "raw.sales",
     "until": "2027-02-14"},
    {"kind": "header", "name": "X-Cluster-Key", "reference": "vault://cluster/key", "host": "127.0.0.1:6443"},
    {"kind": "do_not_touch", "reason": "Audited by finance until March."},
    {"kind": "known_flaky", "recovery": "It is back after the nightly restart.", "minutes": 40,
     "retries": 2},
    {"kind": "must_approve", "who": ["carla", "role:approver"]},
]  # fmt: skip


def test_every_kind_survives_the_round_trip_and_says_itself_in_words() -> None:
    assert {hint["kind"] for hint in GOOD} == set(HINTS)
    hints = parse(GOOD)
    assert as_json(hints) == GOOD
    assert hints[0].sentence == "Retry inside 02:47 to 03:12 UTC, Monday, Sunday, at most 1 time."
    assert hints[2].sentence == "Expected: `amount` goes up by 8 % to 12 % until 2027-02-14."


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "retry_window", "start": "2:47"}, "a time is written as 02:47"),
        ({"kind": "retry_window", "start": "24:00"}, "a time is written as 02:47"),
        ({"kind": "retry_window", "start": "03:12"}, "never open"),
        ({"kind": "retry_window", "zone": "Mars/Olympus"}, "no time zone"),
        ({"kind": "retry_window", "zone": "../../etc/passwd"}, "no time zone"),
        ({"kind": "retry_window", "days": [7]}, "Days are numbers"),
        ({"kind": "retry_window", "days": []}, "Days are numbers"),
        ({"kind": "retry_window", "days": ["Monday"]}, "list of numbers"),
        ({"kind": "retry_window", "most_retries": True}, "whole number"),
        ({"kind": "retry_window", "when": "before"}, "one of inside, after"),
        ({"kind": "expected_change", "low": 13}, "lower one first"),
        ({"kind": "expected_change", "low": float("nan")}, "is a number"),
        ({"kind": "expected_change", "high": 1e9}, "no bound"),
        ({"kind": "expected_change", "until": "soon"}, "2027-02-14"),
        ({"kind": "header", "reference": "s3cr3t-value"}, "never the value"),
        ({"kind": "header", "host": "evil.example/x?y"}, "Host"),
        ({"kind": "header", "name": "X-Key\r\nHost"}, "letters, digits and dashes"),
        ({"kind": "must_approve", "who": []}, "at least one"),
        ({"kind": "contact", "who": ""}, "who is missing"),
        ({"kind": "contact", "who": "x" * 301}, "at most 300"),
        ({"kind": "contact", "phone": "1"}, "unknown phone"),
        ({"kind": "lift_everything"}, "kind is one of"),
    ],
)
def test_what_cannot_be_acted_on_is_refused_with_the_reason(change: dict[str, Any], says: str) -> None:
    base = next((hint for hint in GOOD if hint["kind"] == change["kind"]), {})
    with pytest.raises(Invalid, match=says):
        parse([{**base, **change}])


@pytest.mark.parametrize("given", [None, {}, "x", [1], [{}], [{"kind": "contact"}], [{"kind": ["contact"]}],
                                   [GOOD[1]] * 13])  # fmt: skip
def test_what_is_no_list_of_hints_is_refused(given: Any) -> None:
    with pytest.raises(Invalid):
        parse(given)
