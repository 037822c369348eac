"""Text that a regular expression cannot match without: found in the log by plain search before the pattern is tried."""

from __future__ import annotations

LEAST, MOST = 3, 80  # characters
_CLASSES = "dDwWsSbBAz"
_META = frozenset("^$.*+?()[]{}|\\")


def needle(pattern: str) -> str:
    """The longest such text, in lower case; empty where none is sure. Groups and classes are not looked into."""
    if "|" in pattern or "(?" in pattern:
        return ""
    runs, run, depth, at = [""], "", 0, 0
    while at < len(pattern):
        char, literal = pattern[at], ""
        if char == "\\":
            escaped = pattern[at + 1 : at + 2]
            if escaped.isalnum() and escaped not in _CLASSES:
                return ""  # \x41, \Q, \pN: what follows is not itself
            literal, at = (escaped if escaped and not escaped.isalnum() else ""), at + 1
        elif char == "[":
            at = _end_of_class(pattern, at)
        elif char == "(" or char == ")":
            depth += 1 if char == "(" else -1
        elif char == "{":
            at = pattern.find("}", at) if "}" in pattern[at:] else len(pattern)
        elif char not in _META:
            literal = char
        follows = pattern[at + 1 : at + 2]
        if literal and not depth and follows not in ("?", "*", "{"):
            run += literal
            if follows == "+":
                runs, run = [*runs, run], ""
        else:
            runs, run = [*runs, run], ""
        at += 1
    longest = max([*runs, run], key=len).lower()[:MOST]
    return longest if len(longest) >= LEAST and longest.isascii() else ""


def _end_of_class(pattern: str, at: int) -> int:
    """Where `]` closes the class that begins at `at`; a first `]` stands for itself."""
    start = at + (2 if pattern[at + 1 : at + 2] == "^" else 1)
    end = start
    while end < len(pattern) and (pattern[end] != "]" or end == start):
        end += 2 if pattern[end] == "\\" else 1
    return end
