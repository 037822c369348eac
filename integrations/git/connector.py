"""git: what changed, and branches of code."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from pathlib import Path

from integrations.effects import ApplyPatch, Branch, Capabilities, Change, CodeDiff, Diff, Receipt, RevertCommit
from integrations.errors import BaseMoved, IntegrationError, Refused, Unsupported
from integrations.git.client import Git, GitFailed
from integrations.git.commits import EMPTY_TREE, difference, patched, reverted, with_tree, written_bytes
from integrations.git.tree import commit_files, read_files
from integrations.ports import Wiring
from integrations.values import AssetRef, Column, Commit, Health, Json, Predicate, Profile, Version

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_RECORD = "%x01%H%x02%ct%x02%an%x02%s%x02"


class Connector:
    """A repository on this machine. `Branch.base` and `head` have one key, `commit`."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.namespace = str(wiring.config["namespace"])
        self.main = f"refs/heads/{wiring.config.get('branch', 'main')}"
        self.git = Git(Path(str(wiring.config["path"])))

    def test(self) -> Health:
        try:
            sha = self.head()
        except IntegrationError as error:
            return Health(
                False, f"Could not read the repository: {error}", "Check its path and the name of the branch."
            )
        return Health(True, f"Read the repository; {self.main.removeprefix('refs/heads/')} is at {sha[:12]}.")

    # --- reading ---------------------------------------------------------------------------------------------

    def head(self) -> str:
        """The commit that production runs."""
        return self.git.commit(self.main)

    def changes(self, paths: Sequence[str], limit: int = 20) -> tuple[Commit, ...]:
        args = ["log", "--first-parent", "-m", "-z", "--name-only", "--no-renames", f"-n{limit}", f"--format={_RECORD}"]
        raw = self.git.raw(*args, self.main, "--", *paths).decode(errors="replace")
        return tuple(_commit(record) for record in raw.split("\x01")[1:])

    def show(self, sha: str) -> tuple[CodeDiff, ...]:
        """What one commit changed, against its first parent."""
        after = self.git.commit(sha)
        return difference(self.git, self.git.resolve(f"{after}^1") or EMPTY_TREE, after)

    def read_file(self, path: str, version: str = "") -> str:
        """Raises `Refused` where the commit has no such file."""
        return self.git.raw("cat-file", "blob", f"{self.git.commit(version or self.main)}:{path}").decode(
            errors="replace"
        )

    def files(self, folder: str, suffix: str, version: str) -> dict[str, str]:
        """Path to text of the files below `folder` as a commit has them."""
        return read_files(self.git, self.git.commit(version), folder, suffix)

    def write(self, files: Mapping[str, str | None], message: str, *, on: str) -> str:
        """Commit these files to production's branch, on top of `on`; None removes one. Returns the commit.

        Raises `BaseMoved` when the branch is not at `on` any more.
        """
        made = commit_files(self.git, on, files, message)
        if made == on:
            return on
        try:
            self.git.move([(self.main, made, on)])
        except GitFailed as error:
            raise BaseMoved(f"The branch is at {self.head()[:12]}, not at {on[:12]}.") from error
        self._follow(on, made)
        return made

    def export(self, version: str, folder: Path) -> str:
        """Write the files of a commit into an empty folder, without repository; returns the commit's id."""
        sha = self.git.commit(version or self.main)
        folder.mkdir(parents=True)
        env = {"GIT_INDEX_FILE": str(folder.with_name(f"{folder.name}.index"))}
        self.git.raw("read-tree", sha, env=env)
        self.git.raw(f"--work-tree={folder}", "checkout-index", "--all", f"--prefix={folder}/", env=env)
        Path(env["GIT_INDEX_FILE"]).unlink()
        return sha

    def schema(self, asset: AssetRef, version: str = "") -> tuple[Column, ...]:
        raise Unsupported("A repository has no columns.")

    def versions(self, asset: AssetRef, limit: int = 60) -> tuple[Version, ...]:
        """Commits that touch the file `asset.name`."""
        return tuple(Version(c.sha, c.at, operation="commit") for c in self.changes([asset.name], limit))

    def profile(self, asset: AssetRef, version: str = "", *, increment: bool = False) -> Profile:
        raise Unsupported("A repository has no rows.")

    def sample(self, asset: AssetRef, predicate: Predicate, limit: int = 20) -> tuple[Json, ...]:
        raise Unsupported("A repository has no rows.")

    # --- branches --------------------------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        return Capabilities(zero_copy=True, atomic_across_tables=True, compare_and_swap=True, undo_hours=24)

    def heads(self, assets: Sequence[AssetRef]) -> Mapping[str, str]:
        return {"commit": self.head()}

    def fork(self, name: str, assets: Sequence[AssetRef]) -> Branch:
        ref, mark, head = _branch(name), _mark(name), self.head()
        if ref == self.main:
            raise Refused("Production's own branch cannot be a staging branch.")
        base, existing = self.git.resolve(mark), self.git.resolve(ref)
        if existing and base != head:
            raise BaseMoved(f"Branch {name} exists already and was not forked from what production is now.")
        if not existing:
            self.git.move([(ref, head, ""), (mark, head, base)])
        return self._as_branch(name, head, existing or head)

    def apply(self, branch: Branch, change: Change) -> Branch:
        """One commit. A change that the branch already holds is not made twice."""
        parent = branch.head["commit"]
        if self._holds(branch, change):
            return branch
        made, ref = self._made(parent, change), _branch(branch.name)
        if self.git.resolve(ref) != made:  # already there when a crash came between the move and its record
            self._move([(ref, made, parent)], f"Branch {branch.name} is not where it was left.")
        return self._as_branch(branch.name, branch.base["commit"], made)

    def diff(self, branch: Branch) -> Diff:
        return Diff(code=difference(self.git, branch.base["commit"], branch.head["commit"]))

    def publish(self, branch: Branch, *, key: str) -> Receipt:
        base, head = branch.base["commit"], branch.head["commit"]
        if base == head or not self.git.is_ancestor(base, head):
            raise Refused("The branch holds nothing that follows from its base.")
        ref = _branch(branch.name)
        return self._switch("publish", key, base, head, branch.name, extra=[(ref, head, head)])

    def undo(self, receipt: Receipt, *, key: str) -> Receipt:
        """Production gets the files of before, as a new commit on top: history is kept."""
        published = receipt.after["commit"]
        tree = self.git.text("rev-parse", f"{receipt.before['commit']}^{{tree}}")
        message = f"Undo {published[:12]}\n\nBack to the files of {receipt.before['commit'][:12]}."
        made = with_tree(self.git, tree, published, message)
        return self._switch("undo", key, published, made, str(receipt.detail.get("branch", "")))

    def lookup(self, key: str, branch: Branch | None = None) -> Receipt | None:
        blob = self.git.resolve(_receipt(key))
        return Receipt(**json.loads(self.git.raw("cat-file", "blob", blob))) if blob else None

    def rehearse_undo(self, branch: Branch, *, key: str) -> None:
        """Publish and take back on a scratch reference. Raises `Refused` unless what comes back is what was there."""
        scratch, base = copy(self), branch.base["commit"]
        scratch.main = f"refs/countersign/scratch/{branch.name}"
        keys = (f"{key}-publish", f"{key}-undo")
        traces = (scratch.main, *map(_receipt, keys))
        self._remove(*traces)
        try:
            self.git.move([(scratch.main, base, "")])
            scratch.undo(scratch.publish(branch, key=keys[0]), key=keys[1])
            if difference(self.git, base, scratch.head()):
                raise Refused("What came back is not what was there.")
        finally:
            self._remove(*traces)

    def drop(self, branch: Branch) -> None:
        self._remove(_branch(branch.name), _mark(branch.name))

    # --- private ---------------------------------------------------------------------------------------------

    def _remove(self, *refs: str) -> None:
        if present := [(ref, "", at) for ref in refs if (at := self.git.resolve(ref))]:
            self.git.move(present)

    def _made(self, parent: str, change: Change) -> str:
        if isinstance(change, ApplyPatch):
            return patched(self.git, parent, change)
        if isinstance(change, RevertCommit):
            return reverted(self.git, parent, change)
        raise Unsupported(f"git cannot do {change.kind}.")

    def _holds(self, branch: Branch, change: Change) -> bool:
        """Making a commit again gives the same id, so a commit that is there already shows."""
        for sha in self.git.text("rev-list", f"{branch.base['commit']}..{branch.head['commit']}").split():
            with suppress(Refused):
                if self._made(self.git.commit(f"{sha}^1"), change) == sha:
                    return True
        return False

    def _as_branch(self, name: str, base: str, head: str) -> Branch:
        size = written_bytes(self.git, base, head)
        return Branch(self.wiring.name, name, {"commit": base}, {"commit": head}, size, {"ref": _branch(name)})

    def _switch(
        self, kind: str, key: str, before: str, after: str, name: str, extra: Sequence[tuple[str, str, str]] = ()
    ) -> Receipt:
        """Production and the receipt under its key move in one transaction of refs, so a crash leaves both or none."""
        if done := self.lookup(key):
            return done
        receipt = Receipt(self.wiring.name, kind, key, {"commit": before}, {"commit": after}, {"branch": name})
        text = json.dumps(vars(receipt), sort_keys=True).encode()
        blob = self.git.text("hash-object", "-w", "--stdin", stdin=text)
        try:
            self.git.move([(self.main, after, before), (_receipt(key), blob, ""), *extra])
        except GitFailed as error:
            if done := self.lookup(key):
                return done
            if (now := self.head()) != before:
                raise BaseMoved(f"Production is at {now[:12]}, not at {before[:12]}.") from error
            raise Refused(f"The branch is not where it was left: {error}") from error
        self._follow(before, after)
        return receipt

    def _move(self, changes: Sequence[tuple[str, str, str]], refusal: str) -> None:
        try:
            self.git.move(changes)
        except GitFailed as error:
            raise Refused(f"{refusal} {error}") from error

    def _follow(self, before: str, after: str) -> None:
        """Bring a checked-out working copy along, because its next commit would take the change back unseen."""
        if self.git.text("rev-parse", "--is-bare-repository") == "true":
            return
        try:
            if self.git.text("symbolic-ref", "HEAD") == self.main:
                self.git.raw("read-tree", "-m", "-u", before, after)
        except GitFailed:
            return  # its owner has changes of their own there: theirs to merge


def _branch(name: str) -> str:
    if not _NAME.fullmatch(name) or name == "main" or ".." in name or name.endswith((".", ".lock")):
        raise Refused(f"{name!r} is no name for a branch.")
    return f"refs/heads/fix/{name}"


def _mark(name: str) -> str:
    return f"refs/countersign/base/{name}"


def _receipt(key: str) -> str:
    return f"refs/countersign/key/{hashlib.sha256(key.encode()).hexdigest()}"


def _commit(record: str) -> Commit:
    sha, at, author, subject, rest = record.split("\x02", 4)
    paths = tuple(sorted({path.strip("\n") for path in rest.split("\0") if path.strip("\n")}))
    return Commit(sha, datetime.fromtimestamp(int(at), UTC), author, subject, paths)
