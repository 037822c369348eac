"""Plain git, with nothing of the machine's or a person's configuration in it, and no hooks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from integrations.errors import Refused, Unreachable

TIMEOUT_S = 60.0  # seconds; everything here is local
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}
_OPTIONS = (
    *("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false"),
    *("-c", f"core.attributesFile={os.devnull}", "-c", "protocol.allow=never", "-c", "safe.directory=*"),
    *("--literal-pathspecs", "--no-pager"),
)


class GitFailed(Refused):
    """git said no; the message is its own words."""


class Git:
    """One repository on this machine, bare or not."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def raw(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """What git prints. Raises `GitFailed` with what it complained about."""
        command = ["git", *_OPTIONS, "-C", str(self.path), *args]
        try:
            done = subprocess.run(
                command,
                input=stdin,
                env={**_ENVIRONMENT, **(env or {})},
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except (FileNotFoundError, subprocess.TimeoutExpired) as error:
            raise Unreachable(f"git could not be run: {type(error).__name__}") from error
        if done.returncode:
            raise GitFailed(done.stderr.decode(errors="replace").strip()[-2000:] or f"git {args[0]} failed")
        return done.stdout

    def text(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        return self.raw(*args, stdin=stdin, env=env).decode(errors="replace").strip()

    def resolve(self, name: str) -> str:
        """Object id of a ref or commit-ish; "" when there is none."""
        try:
            return self.text("rev-parse", "--verify", "--quiet", "--end-of-options", name)
        except GitFailed:
            return ""

    def commit(self, name: str) -> str:
        """Id of the commit that `name` is. Raises `Refused` when there is none."""
        sha = self.resolve(f"{name}^{{commit}}")
        if not sha:
            raise Refused(f"There is no commit {name!r} in this repository.")
        return sha

    def move(self, changes: Sequence[tuple[str, str, str]]) -> None:
        """Set refs, all or none: (ref, new, old); an empty `old` must not exist, an empty `new` is deleted."""
        zero = "0" * 40
        lines = [
            "start",
            *(f"update {ref} {new or zero} {old or zero}" for ref, new, old in changes),
            "prepare",
            "commit",
        ]
        self.raw("update-ref", "--no-deref", "--stdin", stdin="".join(f"{line}\n" for line in lines).encode())

    def is_ancestor(self, old: str, new: str) -> bool:
        return old == new or bool(self.text("rev-list", "-n1", f"{new}..{old}") == "")
