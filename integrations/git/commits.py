"""Commits that we make: one per change, byte for byte the same when made again."""

from __future__ import annotations

import tempfile
from pathlib import Path

from integrations.effects import ApplyPatch, CodeDiff, RevertCommit
from integrations.errors import Refused
from integrations.git.client import Git, GitFailed

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
PATCH_LIMIT = 1_000_000  # bytes; a person has to read it
_LINKS = {"120000", "160000"}  # symbolic links and submodules lead out of the repository
_DIFF = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/")


def patched(git: Git, parent: str, change: ApplyPatch) -> str:
    """The commit on `parent` with the patch in it. Raises `Refused` unless it applies cleanly and stays inside."""
    raw = change.diff.encode()
    if not raw.strip() or len(raw) > PATCH_LIMIT:
        raise Refused("The patch is empty or too large to be read by a person.")
    return _commit_applied(git, parent, raw if raw.endswith(b"\n") else raw + b"\n", change.message)


def reverted(git: Git, parent: str, change: RevertCommit) -> str:
    """The commit on `parent` that takes `change.sha` back, merges by their first parent."""
    sha = git.commit(change.sha)
    if not git.is_ancestor(sha, parent):
        raise Refused(f"Commit {sha[:12]} is not part of what production runs.")
    before = git.resolve(f"{sha}^1") or EMPTY_TREE
    diff = git.raw(*_DIFF, "--binary", "--full-index", before, sha)
    return _commit_applied(git, parent, diff, change.message, "-R", "--3way")


def with_tree(git: Git, tree: str, parent: str, message: str) -> str:
    """A commit of `tree` on `parent`, by a fixed author at the parent's own time, so that it can be made again."""
    stamp = git.text("show", "-s", "--format=%ct +0000", parent)
    who = {"NAME": "Countersign", "EMAIL": "countersign@localhost", "DATE": stamp}
    env = {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in who.items()}
    return git.text("commit-tree", tree, "-p", parent, "-F", "-", stdin=(message.strip() + "\n").encode(), env=env)


def difference(git: Git, before: str, after: str) -> tuple[CodeDiff, ...]:
    """One entry per changed file; names are taken as they are, whatever they contain."""
    rows = git.raw(*_DIFF, "--numstat", "-z", before, after).split(b"\0")
    return tuple(_file_difference(git, before, after, row) for row in rows if row)


def written_bytes(git: Git, before: str, after: str) -> int:
    """Bytes that the new objects take in the repository."""
    return 0 if before == after else int(git.text("rev-list", "--objects", "--disk-usage", after, f"^{before}"))


def _file_difference(git: Git, before: str, after: str, row: bytes) -> CodeDiff:
    added, removed, name = row.split(b"\t", 2)
    path = name.decode(errors="surrogateescape")
    text = git.raw(*_DIFF, before, after, "--", path).decode(errors="replace")
    count = [0 if number == b"-" else int(number) for number in (added, removed)]
    return CodeDiff(name.decode(errors="replace"), count[0], count[1], text)


def _commit_applied(git: Git, parent: str, diff: bytes, message: str, *options: str) -> str:
    with tempfile.TemporaryDirectory(prefix="countersign-index-") as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git.raw("read-tree", parent, env=env)
        try:
            git.raw("apply", "--cached", "--whitespace=nowarn", *options, "-", stdin=diff, env=env)
            tree = git.text("write-tree", env=env)
        except GitFailed as error:
            raise Refused(f"It does not apply cleanly to {parent[:12]}: {error}") from error
    if tree == git.text("rev-parse", f"{parent}^{{tree}}"):
        raise Refused("It changes nothing.")
    _refuse_links(git, parent, tree)
    return with_tree(git, tree, parent, message)


def _refuse_links(git: Git, parent: str, tree: str) -> None:
    for line in git.text("diff-tree", "-r", "--raw", "--no-renames", parent, tree).splitlines():
        if line.startswith(":") and line.split()[1] in _LINKS:
            raise Refused("It adds a symbolic link or a submodule, which can lead out of the repository.")
