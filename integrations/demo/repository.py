"""The pipeline's git repository: bare, with a history of several authors, and worktrees of its commits."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path, PurePosixPath

from integrations.demo.names import Names

SOURCE = Path(__file__).parent / "pipeline"
MAYA, JONAS, ADAEZE = (
    ("Maya Okafor", "maya.okafor@shop.example"),
    ("Jonas Weber", "jonas.weber@shop.example"),
    ("Adaeze Nwosu", "adaeze.nwosu@shop.example"),
)
# (days before today, author, message, the files that the commit brings: prefixes below pipeline/)
HISTORY = (
    (160, MAYA, "Load orders, payments and refunds from the daily exports", ("pipeline.toml", "ingest")),
    (151, JONAS, "Add the dbt project with sources and staging models", (
        "dbt/dbt_project.yml", "dbt/profiles.yml", "dbt/macros", "dbt/models/sources.yml", "dbt/models/staging")),
    (140, JONAS, "Convert payments and refunds to US dollars", ("dbt/models/intermediate",)),
    (128, ADAEZE, "Build the revenue marts", (
        "dbt/models/marts/fct_orders.sql", "dbt/models/marts/revenue_", "dbt/models/marts/marts.yml",
        "dbt/models/marts/customer_value.sql", "dbt/models/marts/plan_", "dbt/models/marts/deals_")),
    (96, ADAEZE, "Name the dashboards that read the marts", ("dbt/models/marts/exposures.yml",)),
    (63, MAYA, "Say how the pipeline works", ("README.md",)),
)  # fmt: skip


def create(repo: Path, today: date, names: Names) -> None:
    """A new bare repository at `repo` with the pipeline's sources as several commits on main."""
    git(None, "init", "--quiet", "--bare", "--initial-branch=main", str(repo))
    draft = repo.with_name("draft")
    shutil.rmtree(draft, ignore_errors=True)
    git(None, "clone", "--quiet", str(repo), str(draft))
    git(draft, "checkout", "--quiet", "-B", "main")
    for days, author, message, prefixes in HISTORY:
        _bring(draft, prefixes, names)
        commit(draft, message, author, today - timedelta(days=days))
    git(draft, "push", "--quiet", "origin", "main")
    shutil.rmtree(draft)


def head(repo: Path) -> str:
    return git(repo, "rev-parse", "refs/heads/main").strip()


def tree(repo: Path) -> str:
    return git(repo, "rev-parse", "refs/heads/main^{tree}").strip()


@contextmanager
def worktree(repo: Path, folder: Path, sha: str) -> Iterator[Path]:
    """A detached worktree of `sha` in `folder`, gone afterwards: production never runs from a working copy."""
    git(repo, "worktree", "add", "--quiet", "--force", "--detach", str(folder), sha)
    try:
        yield folder
    finally:
        git(repo, "worktree", "remove", "--force", str(folder))


def change(repo: Path, message: str, author: tuple[str, str], edit: Callable[[Path], None], scratch: Path) -> str:
    """Commit to main what `edit` does to a checkout of it; returns the new commit."""
    base = head(repo)
    with worktree(repo, scratch, base) as folder:
        edit(folder)
        commit(folder, message, author, None)
        sha = git(folder, "rev-parse", "HEAD").strip()
    git(repo, "update-ref", "refs/heads/main", sha, base)
    return sha


def restore(repo: Path, wanted: str, scratch: Path) -> None:
    """Bring main to the tree `wanted` by a commit of its own, unless it is there."""
    if tree(repo) != wanted:
        change(repo, "Restore the pipeline to its last good state", MAYA, lambda at: _check_out(at, wanted), scratch)


def _check_out(folder: Path, wanted: str) -> None:
    git(folder, "read-tree", "-u", "--reset", wanted)


def commit(folder: Path, message: str, author: tuple[str, str], when: date | None) -> None:
    name, email = author
    identity = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
                for what, value in (("NAME", name), ("EMAIL", email))}  # fmt: skip
    if when is not None:
        identity |= {f"GIT_{who}_DATE": f"{when.isoformat()}T10:20:00+0000" for who in ("AUTHOR", "COMMITTER")}
    git(folder, "add", "--all")
    git(folder, "-c", "commit.gpgsign=false", "commit", "--quiet", "-m", message, environment=identity)


def git(folder: Path | None, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run git, deaf to the machine's own configuration. Raises CalledProcessError with what it said."""
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ.get("PATH", "/usr/bin")}
    place = ["-C", str(folder)] if folder else []
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", *place, *arguments],
        env={**quiet, **(environment or {})}, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.stdout


def _bring(draft: Path, prefixes: tuple[str, ...], names: Names) -> None:
    for source in sorted(SOURCE.rglob("*")):
        path = PurePosixPath(source.relative_to(SOURCE).as_posix())
        if source.is_file() and "__pycache__" not in path.parts and str(path).startswith(prefixes):
            target = draft / names.path(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(names.text(source.read_text()))
