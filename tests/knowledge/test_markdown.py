"""What a text may cost to show."""

from __future__ import annotations

import pytest
from django.test import Client

from app.core.models import User
from knowledge.markdown import CELLS, render
from knowledge.views import SHOWN
from knowledge.write import BODY_LIMIT

HEAD = "| a | b | c | d |\n|---|---|---|---|\n"
ROW = "| 1 | 2 | 3 | 4 |\n"


def test_a_table_of_usual_size_is_one() -> None:
    html = render("Before.\n\n" + HEAD + ROW * 100)
    assert html.count("<tr>") == 101 and "Before." in html


@pytest.mark.parametrize(
    "text",
    [
        HEAD + ROW * (BODY_LIMIT // len(ROW)),
        "|a" * 200 + "|\n" + "|-" * 200 + "|\n" + "|\n" * 19_000,  # nearly all of its cells are made up
        ("> " + HEAD.replace("\n", "\n> ", 1) + "> |\n" * 40 + "\n") * 60,
    ],
)
def test_more_cells_than_anybody_reads_are_shown_as_text(text: str) -> None:
    html = render(text)
    assert "<table" not in html and f"more than {CELLS:,} cells" in html
    assert len(html) < 3 * len(text) and "| a" in html.replace("|a", "| a")


def test_a_preview_shows_the_beginning_of_a_long_text(client: Client, operator: User) -> None:
    client.force_login(operator)
    page = client.post("/knowledge/preview/", {"body": "word " * (SHOWN // 5) + "beyond"}).content.decode()
    assert "beyond" not in page and "preview ends here" in page
    assert "preview ends here" not in client.post("/knowledge/preview/", {"body": "short"}).content.decode()
