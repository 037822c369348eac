"""Texts of which one is in every line that a pattern matches: what a large log is searched for. Pure.

Read from the pattern itself, in RE2's syntax, and carefully: what is not understood counts as anything at all, so a
text that is named here is always there. Of a sequence the longest sure text is taken, of alternatives one of each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LEAST, LONGEST, MOST = 4, 60, 20  # characters of a text; texts
DEPTH = 40  # brackets within brackets

_COUNTED = re.compile(r"\{(\d+)(?:,\d*)?\}")
_CLASS = re.compile(r"\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]", re.S)
_OPENED = re.compile(r"\((?:\?P?<\w+>|\?[a-zA-Z-]*(?P<end>[:)]))?")
_ESCAPED = re.compile(r"\\(?:x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|[pP](?:\{\^?\w+\}|\w)|[0-7]{1,3}|.)", re.S)
_SILENT = "bBAz"  # escapes that stand between characters and match none

Texts = frozenset[str]


def literals_of(pattern: str) -> tuple[str, ...]:
    """Lower-case, sorted; none where nothing is sure. `pattern` is one that RE2 compiles."""
    try:
        found, end = _either(pattern, 0, 0)
    except _Unread:
        return ()
    return tuple(sorted(found)) if found and end == len(pattern) else ()


class _Unread(Exception):
    """The pattern says something that is not understood here."""


@dataclass
class _Sequence:
    """What is sure of a sequence so far: the best texts, and the run of characters that is being read."""

    best: Texts = frozenset()
    run: str = ""

    def offer(self, texts: Texts) -> None:
        if texts and _worth(texts) > _worth(self.best):
            self.best = texts

    def cut(self) -> None:
        """Anything may follow."""
        if len(self.run) >= LEAST:
            self.offer(frozenset({self.run[:LONGEST]}))
        self.run = ""


def _worth(texts: Texts) -> float:
    """The shortest decides, because it is found most often by chance; many are worth less."""
    return min(map(len, texts)) - len(texts) / MOST if texts else 0.0


def _either(pattern: str, at: int, depth: int) -> tuple[Texts, int]:
    """One text of each alternative, or none when one of them has none; and where it ends."""
    if depth > DEPTH:
        raise _Unread
    branches = []
    while True:
        texts, at = _sequence(pattern, at, depth)
        branches.append(texts)
        if pattern[at : at + 1] != "|":
            break
        at += 1
    united = frozenset[str]().union(*branches)
    return (united if all(branches) and len(united) <= MOST else frozenset()), at


def _sequence(pattern: str, at: int, depth: int) -> tuple[Texts, int]:
    said = _Sequence()
    while at < len(pattern) and pattern[at] not in "|)":
        if pattern[at] == "(":
            said.cut()
            texts, at = _group(pattern, at, depth)
            least, at = _times(pattern, at)
            said.offer(texts if least else frozenset())
            continue
        char, at = _atom(pattern, at)
        least, after = _times(pattern, at)
        if char is None or not least:
            said.cut()
        else:
            said.run += char
            if after != at:  # more of them may follow
                said.cut()
        at = after
    said.cut()
    return said.best, at


def _group(pattern: str, at: int, depth: int) -> tuple[Texts, int]:
    opened = _OPENED.match(pattern, at)
    if opened is None:
        raise _Unread
    if opened["end"] == ")":  # flags alone
        return frozenset(), opened.end()
    texts, end = _either(pattern, opened.end(), depth + 1)
    if pattern[end : end + 1] != ")":
        raise _Unread
    return texts, end + 1


def _atom(pattern: str, at: int) -> tuple[str | None, int]:
    """The character that stands there: empty for none at all, None for one of several."""
    char = pattern[at]
    if char == "[":
        found = _CLASS.match(pattern, at)
        if found is None:
            raise _Unread
        return None, found.end()
    if char == "\\":
        found = _ESCAPED.match(pattern, at)
        if found is None or found.group() in ("\\Q", "\\E"):  # what is between them ends unlike all else
            raise _Unread
        return _escaped(found.group()[1:]), found.end()
    if char in "^$":
        return "", at + 1
    return (_plain(char) if char != "." else None), at + 1


def _escaped(said: str) -> str | None:
    if said in _SILENT:
        return ""
    return _plain(said) if len(said) == 1 and not said.isalnum() else None


def _plain(char: str) -> str | None:
    """ASCII alone: of other letters a log may hold another case than can be searched for."""
    return char.lower() if " " <= char <= "~" else None


def _times(pattern: str, at: int) -> tuple[bool, int]:
    """Whether what stands before comes at least once, and where its quantifier ends."""
    least, end = True, at
    while end < len(pattern):
        counted = _COUNTED.match(pattern, end)
        if pattern[end] in "?*" and (pattern[end] == "*" or end == at or pattern[end - 1] not in "?*+}"):
            least, end = False, end + 1
        elif pattern[end] in "+?":
            end += 1
        elif counted:
            least, end = least and int(counted[1]) > 0, counted.end()
        else:
            break
    return least, end
