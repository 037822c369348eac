"""Whatever is in a card, what Slack gets is within its limits, says what is there, and does nothing."""

from __future__ import annotations

import json

import pytest

from integrations.cards import Button, Card, Field, Form
from integrations.slack import blocks
from tests.slack_blocks import problems, view_problems

NASTY = [
    "<!channel> <!here> <!everyone> <@U1> <#C1>",
    "@here @channel @everyone",
    "<http://evil.example|Approve>",
    "http://evil.example/approve",
    "*bold* _it_ ~struck~ `code` ```\nfence\n```",
    ":white_check_mark: Approved",
    "safe‮gnp.exe",
    "zero​width⁠joined",
    "\x1b[31mred\x1b[0m\x07",
    "\U000e0041\U000e0042 tags",
    "& < > &lt;!channel&gt;",
    "line\nRisk\nLow",
    "x" * 1_000_000,
    "‏اقبل",
    "",
    " ",
    "\0",
    "<script>alert(1)</script>",
    "|>|<|",
]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_hostile_words_are_within_the_limits_inert_and_visible(text: str) -> None:
    button = Button("approve", text, "n_1", style="primary", confirm=text)
    card = Card(
        text, text, ((text, text),) * 12, text, (button, button), (text,) * 12, "http://127.0.0.1:8000/?a=1&b=2"
    )
    made = [*blocks.card(card), *blocks.words(text, [(text, "http://127.0.0.1:8000/")])]
    assert problems(blocks.card(card)) == []
    assert problems(blocks.words(text)) == []
    form = Form("reject", text, text, text, "n_1", (Field("reason", text, (("a", text),), hint=text),))
    assert view_problems(blocks.form(form)) == []
    assert _live(made) == _live(blocks.form(form)["blocks"]) | {"mrkdwn"}
    for hidden in ("‮", "​", "\x1b", "\U000e0041", "‏", "\0"):
        assert hidden not in json.dumps([*made, blocks.form(form)], ensure_ascii=False)
    said = blocks.notification(text)
    assert "<" not in said and ">" not in said and len(said) <= 4000


def test_the_only_markup_is_a_link_of_ours_and_its_label_cannot_break_out() -> None:
    found = blocks.words("x", [("E1> <!channel> <http://evil.example|Approve", "http://127.0.0.1:8000/a|b>c")])
    text = found[1]["elements"][0]["text"]
    assert text.startswith("<http://127.0.0.1:8000/a%7Cb&gt;c|E1&gt; &lt;!channel&gt;")
    assert (text.count("<"), text.count(">"), text.count("|")) == (1, 1, 1)


def test_a_value_cannot_pose_as_another_fact() -> None:
    fact = blocks.card(Card("t", "l", (("Risk", "High\nUndo\nrehearsed"),)))[2]["fields"][0]["text"]
    assert fact == "Risk\nHigh Undo rehearsed"


def test_what_code_reads_again_is_never_cut() -> None:
    with pytest.raises(ValueError, match="2000"):
        blocks.card(Card("t", "l", buttons=(Button("approve", "Approve", "n" * 2001),)))


def _live(made: list[object]) -> set[str]:
    """The kinds of text objects, and that each plain one leaves emoji alone."""
    kinds, waiting = set(), list(made)
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.values()
            if one.get("type") in {"plain_text", "mrkdwn"}:
                kinds.add(one["type"])
                assert one.get("emoji") is False or one.get("verbatim") is True
    return kinds
