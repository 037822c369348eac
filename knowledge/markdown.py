"""What people write, as HTML that can do nothing: no raw HTML, no images, links over http(s) alone, no style. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

SCHEMES = ("http://", "https://")
REL = "noopener noreferrer nofollow"
CELLS = 3_000  # of all tables of a text
WIDE = f'<p class="muted">Tables are shown as text, because they have more than {CELLS:,} cells.</p>'
_BLANK = re.compile(r"\n[ \t]*\n")
TOP = 2  # levels of headings that look alike; the page's own headings stand above them


class _Renderer(RendererHTML):
    """Adds `rel` to links, keeps headings below those of the page, and leaves out every style attribute."""

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        tokens[idx].attrSet("rel", REL)
        return self.renderToken(tokens, idx, options, env)

    @staticmethod
    def renderAttrs(token: Token) -> str:
        token.attrs.pop("style", None)  # of a table's columns: the content policy refuses it
        return RendererHTML.renderAttrs(token)


def render(text: str) -> str:
    """Safe HTML of markdown; hidden characters are the caller's to make visible.

    Tables are shown as text where they have more than CELLS cells altogether: a few thousand empty ones cost seconds.
    """
    if _cells(text) > CELLS:
        return WIDE + str(_PLAIN.render(text))
    return str(_MARKDOWN.render(text))


def _cells(text: str) -> int:
    """At most so many cells have the tables of a text: lines of a paragraph times the columns of its widest line."""
    blocks = [block.split("\n") for block in _BLANK.split(text) if "|" in block]
    return sum(len(lines) * (1 + max(line.count("|") for line in lines)) for lines in blocks)


def _lower(level: int) -> str:
    return "h4" if level <= TOP else "h5"


def _made(*, tables: bool) -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).disable("image")
    if tables:
        made.enable("table")
    made.validateLink = lambda url: url.lower().startswith(SCHEMES)  # type: ignore[method-assign]
    made.core.ruler.push("headings", _headings)
    return made


def _headings(state: object) -> None:
    for token in getattr(state, "tokens", ()):
        if token.type in {"heading_open", "heading_close"}:
            token.tag = _lower(int(token.tag[1]))


_MARKDOWN, _PLAIN = _made(tables=True), _made(tables=False)
