"""Files of a commit, read and written as bytes of text; no working copy is needed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from integrations.errors import Refused
from integrations.git.client import Git
from integrations.git.commits import with_tree

MOST, LARGEST, TOGETHER = 20_000, 256_000, 64_000_000  # files in one folder; bytes of one file, and of all
PLAIN = b"100644"


def read_files(git: Git, sha: str, folder: str, suffix: str) -> dict[str, str]:
    """Path to text of the plain files below `folder`; links and submodules are left out.

    Raises Refused for more than fits: a file that was left out would look as if it had been removed.
    """
    rows = git.raw("ls-tree", "-r", "-z", "-l", sha, "--", *([f"{folder}/"] if folder else [])).split(b"\0")
    wanted: dict[str, str] = {}
    total = 0
    for row in filter(None, rows):
        told, _, name = row.partition(b"\t")
        mode, _, blob, size = told.split()
        path = name.decode(errors="replace")
        if mode != PLAIN or not path.endswith(suffix):
            continue
        total += int(size)
        if int(size) > LARGEST or total > TOGETHER or len(wanted) >= MOST:
            raise Refused(f"{path} is too much: {MOST:,} files, {LARGEST:,} bytes of one and {TOGETHER:,} of all.")
        wanted[path] = blob.decode()
    return {path: git.raw("cat-file", "blob", blob).decode(errors="replace") for path, blob in wanted.items()}


def commit_files(git: Git, parent: str, files: Mapping[str, str | None], message: str) -> str:
    """The commit on `parent` in which these files say this; None removes one. `parent` itself where nothing changes."""
    with tempfile.TemporaryDirectory(prefix="countersign-index-") as home:
        env = {"GIT_INDEX_FILE": str(Path(home) / "index")}
        git.raw("read-tree", parent, env=env)
        for path, text in files.items():
            _inside(path)
            if text is None:
                git.raw("update-index", "--force-remove", "--", path, env=env)
            else:
                blob = git.text("hash-object", "-w", "--stdin", stdin=text.encode(), env=env)
                git.raw("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", env=env)
        tree = git.text("write-tree", env=env)
    if tree == git.text("rev-parse", f"{parent}^{{tree}}"):
        return parent
    return with_tree(git, tree, parent, message)


def _inside(path: str) -> None:
    pure = PurePosixPath(path)
    if pure.is_absolute() or {"..", ".git"} & set(pure.parts) or not pure.parts:
        raise Refused(f"{path} is no file of the repository.")
