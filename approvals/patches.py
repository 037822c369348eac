"""A unified diff, read line by line by its own counts, so that no content can pass for a header."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_FILE = re.compile(r"(?:---|\+\+\+) (?:[ab]/)?([^\t]+)")
_GIT = re.compile(r"diff --git a/(.+) b/(.+)")


@dataclass
class Patch:
    """`odd` are header lines that are not a plain edit of a file that is there."""

    paths: set[str] = field(default_factory=set)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    @property
    def changed(self) -> int:
        return len(self.added) + len(self.removed)


def read_patch(diff: str) -> Patch:
    patch, old, new = Patch(), 0, 0
    for line in diff.splitlines():
        if old > 0 or new > 0:
            sign, text = line[:1], line[1:]
            old -= sign in ("-", " ", "")
            new -= sign in ("+", " ", "")
            (patch.added if sign == "+" else patch.removed if sign == "-" else []).append(text)
        elif hunk := _HUNK.match(line):
            old, new = (int(count or 1) for count in hunk.groups())
        elif names := _GIT.fullmatch(line) or _FILE.fullmatch(line):
            patch.paths |= set(names.groups())
        elif line.strip() and not line.startswith(("index ", "\\")):
            patch.odd.append(line)
    return patch
