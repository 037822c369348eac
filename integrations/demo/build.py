"""Builds a demo lakehouse from nothing: repository, CRM, landing files, lake, warehouse, and the past days' runs."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from secrets import token_urlsafe

from integrations.demo import cluster, crm, generate, repository
from integrations.demo.lakehouse import MEMORY_VARIABLE, Lakehouse, base_environment, read
from integrations.demo.names import DEFAULT, Names

ORDERS_A_DAY = 2_500
SEED = 20_17
MEMORY_LIMIT = "1GB"  # of the engine, while nothing is wrong
HISTORY = Path(__file__).parent / "history.py"
Progress = Callable[[str], None]


def build(
    home: Path,
    *,
    crm_admin_dsn: str,
    names: Names = DEFAULT,
    days: int = 40,
    progress: Progress,
    orders_a_day: int = ORDERS_A_DAY,
    seed: int = SEED,
    today: date | None = None,
) -> Lakehouse:
    """The lakehouse below `home`, built unless it is there. A half-built one is removed first.

    `crm_admin_dsn` may create databases and roles. History ends the day before `today` (UTC). Raises
    subprocess.CalledProcessError when a past run fails, psycopg.Error when the CRM cannot be made.
    """
    if (found := read(home)) is not None:
        return found
    if home.exists():
        progress("Found a half-built demo; starting it over")
        shutil.rmtree(home)
    (home / "lake").mkdir(parents=True)
    (home / "runs").mkdir()
    when = today or datetime.now(UTC).date()
    progress("Creating the CRM database")
    admin, dsn, role = crm.create(crm_admin_dsn, suffix(home), names)
    last = when - timedelta(days=1)
    lakehouse = Lakehouse(
        home, last, days, orders_a_day, seed, admin, dsn, role, _free_port(), names, _free_port(), token_urlsafe(24)
    )
    _write_settings(lakehouse)
    progress("Committing the pipeline to its repository")
    repository.create(lakehouse.repo, when, names)
    progress(f"Generating {days} days of about {orders_a_day:,} orders")
    for past in generate.past(when, days):
        happen(lakehouse, past)
    _run_history(lakehouse, progress)
    lakehouse.save()
    return lakehouse


def destroy(home: Path, crm_admin_dsn: str) -> None:
    """Remove a lakehouse with its database."""
    crm.drop(crm_admin_dsn, suffix(home))
    shutil.rmtree(home, ignore_errors=True)


def happen(lakehouse: Lakehouse, when: date) -> generate.Day:
    """The business of one day: exports land, deals are closed in the CRM."""
    business = generate.day(lakehouse.seed, when, lakehouse.orders_a_day)
    generate.land(business, lakehouse.landing, lakehouse.names, lakehouse.renames())
    crm.add_deals(lakehouse.crm_admin_dsn, business, lakehouse.names)
    return business


def suffix(home: Path) -> str:
    """Tells the databases of several homes on one server apart."""
    return hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:10]


def _write_settings(lakehouse: Lakehouse) -> None:
    settings = f"# Settings of the pipeline's scheduler.\n{MEMORY_VARIABLE}={MEMORY_LIMIT}\n"
    lakehouse.environment_file.write_text(settings)
    lakehouse.rates_state.write_text(json.dumps({"seed": lakehouse.seed}))
    cluster.create(lakehouse.cluster_state, lakehouse.cluster_key)


def _run_history(lakehouse: Lakehouse, progress: Progress) -> None:
    """The past runs, in one child process: the lock of the warehouse file dies with it."""
    head, code = repository.head(lakehouse.repo), lakehouse.home / "code"
    environment = {**base_environment(), **lakehouse.environment(), "CRM_DSN": lakehouse.crm_dsn}
    days = generate.past(lakehouse.today + timedelta(days=1), lakehouse.days)
    task = {"code": str(code), "runs": str(lakehouse.runs), "days": [day.isoformat() for day in days], "commit": head}
    task |= {"rates_state": str(lakehouse.rates_state)}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    with repository.worktree(lakehouse.repo, code, head):
        _follow([sys.executable, str(HISTORY), json.dumps(task)], environment, lakehouse.home / "history.log", progress)


def _follow(command: list[str], environment: dict[str, str], log: Path, progress: Progress) -> None:
    """Run to the end, passing on its lines of progress; what it complains of goes to `log`."""
    with (
        log.open("w") as errors,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True) as child,
    ):
        for line in child.stdout or ():
            if line.startswith("progress: "):
                progress(line.removeprefix("progress: ").strip())
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command[:2], stderr=log.read_text()[-4000:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
