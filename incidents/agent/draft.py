"""A fix draft for code: a minimal unified diff that applies and parses, or nothing. Runs none of it."""

from __future__ import annotations

import ast
import difflib
import json
import os
import re
import subprocess
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import jinja2
import sqlglot
import yaml
from sqlglot.errors import SqlglotError

MOST_FILES, MOST_LINES, MOST_BYTES, LONGEST = 3, 60, 60_000, 2_000  # what a person reads at night; more is a rewrite
APPLY_S = 10  # seconds
_FILE = re.compile(r"^--- a/(?P<old>[^\t\n]+)\t?.*\n\+\+\+ b/(?P<new>[^\t\n]+)", re.M)
_HEADER = re.compile(r"^(?:old mode|new mode|new file|deleted file|rename |copy |similarity |GIT binary|Binary )", re.M)
# Bounded, because one that is never closed is searched for its end again and again.
_EXPRESSION, _STATEMENT = re.compile(r"\{\{.{0,2000}?\}\}", re.S), re.compile(r"\{[%#].{0,2000}?[%#]\}", re.S)
# What parsers raise for what they cannot read, the tags of YAML and the stack of Python among it.
_UNREADABLE = (SyntaxError, ValueError, LookupError, TypeError, AttributeError, RecursionError, MemoryError,
               yaml.YAMLError, jinja2.TemplateError, SqlglotError)  # fmt: skip


class NoDraft(Exception):
    """The diff is no draft; the message says why."""


@dataclass(frozen=True)
class Draft:
    # Made anew from the files before and after, so that nothing but the change is in it.
    diff: str
    paths: tuple[str, ...]


def draft(diff: str, read: Callable[[str], str | None]) -> Draft:
    """`read` gives a file as production has it. Raises NoDraft unless the diff applies and the result parses."""
    paths = _paths(diff)
    before: dict[str, str] = {}
    for path in paths:
        text = read(path)
        if text is None:
            raise NoDraft(f"There is no file {path}.")
        before[path] = text
    after = _applied(diff, before)
    changed = [path for path in paths if before[path] != after[path]]
    if not changed:
        raise NoDraft("The diff changes nothing.")
    for path in changed:
        _parse(path, before[path], after[path])
    made = "".join(_unified(path, before[path], after[path]) for path in changed)
    lines = sum(line[:1] in "+-" and line[:3] not in ("+++", "---") for line in made.splitlines())
    if lines > MOST_LINES:
        raise NoDraft(f"The diff changes {lines} lines; a draft has at most {MOST_LINES}.")
    return Draft(made, tuple(changed))


def _paths(diff: str) -> list[str]:
    if not diff.strip() or len(diff.encode()) > MOST_BYTES:
        raise NoDraft("The diff is empty or too large to be read by a person.")
    if any(len(line) > LONGEST for line in diff.splitlines()):
        raise NoDraft(f"The diff has a line of more than {LONGEST} characters, which no person reads.")
    if found := _HEADER.search(diff):
        raise NoDraft(f"A draft changes the text of files and nothing else: {found[0].strip()}.")
    pairs = [(one["old"], one["new"]) for one in _FILE.finditer(diff)]
    if not pairs or len(pairs) > MOST_FILES or len(pairs) != len(set(pairs)):
        raise NoDraft(f"A draft is a unified diff of one to {MOST_FILES} files.")
    for old, new in pairs:
        pure = PurePosixPath(new)
        if old != new or pure.is_absolute() or any(part.startswith(".") for part in pure.parts) or "\\" in new:
            raise NoDraft("A draft changes files within the repository, under their own names.")
        if pure.suffix.lower() not in PARSERS:
            raise NoDraft(f"Whether {pure.name} still parses cannot be told, so it is left to people.")
    return [new for _, new in pairs]


def _applied(diff: str, before: dict[str, str]) -> dict[str, str]:
    """By git, in a folder that holds these files and no repository."""
    with tempfile.TemporaryDirectory(prefix="countersign-draft-") as name:
        folder = Path(name)
        for path, text in before.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(text.encode())
        raw = diff.encode() if diff.endswith("\n") else diff.encode() + b"\n"
        env = {"PATH": os.defpath, "HOME": name, "GIT_CONFIG_NOSYSTEM": "1", "GIT_DIR": "/nonexistent"}
        argv = ["git", "apply", "--whitespace=nowarn", "--recount", "-"]
        try:
            done = subprocess.run(argv, cwd=folder, input=raw, env=env, capture_output=True, timeout=APPLY_S)
        except subprocess.TimeoutExpired as error:
            raise NoDraft("The diff took too long to apply.") from error
        if done.returncode:
            raise NoDraft(f"The diff does not apply: {done.stderr.decode(errors='replace').strip()[:200]}")
        return {path: (folder / path).read_bytes().decode() for path in before}


def _parse(path: str, before: str, after: str) -> None:
    try:
        PARSERS[PurePosixPath(path).suffix.lower()](before, after)
    except _UNREADABLE as error:
        said = (str(error) or type(error).__name__).splitlines()[0]
        raise NoDraft(f"{path} would not parse: {said[:200]}") from error


def _sql(before: str, after: str) -> None:
    """Templates as templates; their SQL where what is there now can be read without running the template."""
    if "{" in after:
        jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=True).parse(after)
    try:
        sqlglot.parse(_plain(before))
    except SqlglotError:
        return  # it cannot be told of the old one either; staging compiles it
    sqlglot.parse(_plain(after))


def _plain(text: str) -> str:
    return _STATEMENT.sub(" ", _EXPRESSION.sub("x", text))


def _yaml(before: str, after: str) -> None:
    yaml.safe_load(after)


def _unified(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"a/{path}", f"b/{path}")
    body = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return f"diff --git a/{path} b/{path}\n{body}"


PARSERS: dict[str, Callable[[str, str], object]] = {
    ".py": lambda before, after: ast.parse(after),
    ".sql": _sql,
    ".yml": _yaml,
    ".yaml": _yaml,
    ".json": lambda before, after: json.loads(after),
    ".toml": lambda before, after: tomllib.loads(after),
}
