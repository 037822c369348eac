"""What the owner of the planning sheet does when asked: puts the day's lines back, and the sheet's sync takes them."""

from __future__ import annotations

from datetime import date

from integrations.demo import build, repository
from integrations.demo.lakehouse import Lakehouse
from integrations.demo.reporting import Door
from integrations.demo.scheduler import Shift, run_job


def put_back(lakehouse: Lakehouse, when: date, door: Door | None = None) -> None:
    """Asked twice it is one load. Raises RuntimeError when the load fails."""
    build.happen(lakehouse, when)
    commit, folder = repository.head(lakehouse.repo), lakehouse.runs / when.isoformat()
    with repository.worktree(lakehouse.repo, folder / "code-again", commit) as code:
        shift = Shift(lakehouse, when, folder, code, commit, door)
        if run_job(shift, lakehouse.names("ingest_planning_sheet"), again="-again"):
            raise RuntimeError("The planning sheet could not be loaded again.")
