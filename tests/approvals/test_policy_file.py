"""The policy as a file: what goes out comes in again, and what cannot be read says its line."""

from __future__ import annotations

import pytest

from app.core.errors import Invalid
from approvals.policy.file import read, write
from approvals.policy.rules import Needs, Rule, When
from approvals.policy.versions import DEFAULT, default

FULL = (
    Rule(
        "Finance: two people",
        When(
            ("data", "unknown"), ("patch_data",), ("medium",), ("fin.*", 'a "b": #c'), ("x",), ("1",), ("é*",), ("l",)
        ),
        Needs(2, ("approver", "auditor"), ("finance", "data"), ("finance",), ("web", "slack"), True, 4),
    ),
    Rule("yes"),
)
GOOD = """rules:
  - name: Finance
    when:
      asset: [fin.*, raw.*]
      risk: low
    needs:
      signatures: 2
      second_factor: yes
  - name: Everything else
"""


def test_what_is_written_is_read_again() -> None:
    assert read(write(FULL)) == FULL
    assert write(read(write(FULL))) == write(FULL)
    assert read(DEFAULT.read_text()) == default().rules == read(write(default().rules))


def test_a_file_by_hand_is_read() -> None:
    rules = read(GOOD)
    needs = Needs(2, second_factor=True)
    assert rules == (Rule("Finance", When(asset=("fin.*", "raw.*"), risk=("low",)), needs), Rule("Everything else"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("asset:", "assets:", r"Line 4: `when` has no `assets`. Possible: class, action, risk, asset"),
        ("risk: low", "risk: lowish", r"Line 5: Unknown: lowish. Possible: low, medium, high"),
        ("signatures: 2", "signatures: two", r"Line 7: `signatures` is a whole number"),
        ("signatures: 2", "signatures: 9", r"Line 7: Between 1 and 5"),
        ("signatures: 2", "signatures: ", r"Line 7: a word is expected here"),
        ("second_factor: yes", "second_factor: maybe", r"Line 8: `second_factor` is true or false"),
        ("second_factor: yes", "signatures: 1", r"Line 8: `signatures` stands twice"),
        ("  - name: Everything else\n", "", r"Line 4: The last rule must fit everything"),
        ("name: Everything else", "when: {risk: low}", r"Line 9: this rule has no `name`"),
        ("name: Everything else", "nam: x", r"Line 9: A rule has no `nam`"),
        ("    when:\n", "    when: [a]\n", r"Line \d: this is not YAML"),
        ("rules:\n", "rule:\n", r"Line 1: A policy has no `rule`. Possible: rules"),
        (GOOD, "", r"Line 1: a policy begins with `rules:`"),
        (GOOD, "rules: 7", r"Line 1: `rules:` is missing, or is no list"),
        (GOOD, "rules: []", r"at least one rule"),
        (GOOD, "rules: [[a]]", r"Line 1: A rule is written as `key: value` lines"),
        ("[fin.*, raw.*]", "[fin.*, {a: b}]", r"Line 4: a word is expected here"),
        ("[fin.*, raw.*]", '"fin.*', r"Line \d+: this is not YAML"),
        (GOOD, "rules: " + "[" * 20_000, r"not YAML"),
        (GOOD, "rules:\n" + "# x\n" * 20_000, r"at most 64000 characters"),
    ],
)
def test_a_malformed_file_says_its_line_and_what_to_do(old: str, new: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        read(GOOD.replace(old, new))


def test_a_tag_means_nothing() -> None:
    tagged = GOOD.replace("[fin.*, raw.*]", "!!python/object/apply:os.system [x]")
    assert read(tagged)[0].when.asset == ("x",)


def test_aliases_do_not_grow() -> None:
    bomb = "rules:\n  - name: &a [x, x, x, x]\n  - name: *a\n"
    with pytest.raises(Invalid, match="Line 2: a word is expected"):
        read(bomb)
