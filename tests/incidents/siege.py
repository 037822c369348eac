"""The world of a hostile model: a database of somebody's, a gateway, and everything that is watched."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

from incidents.models import Incident
from integrations import vault
from integrations.models import Connection
from tests import factories
from tests.incidents.agent_world import failure
from tests.processes import granian
from tests.settings import HOME, SERVER

TARGET = "target"
# What the gateway writes: its own records and, for a changed tool, the trail.
MAY_WRITE = {"incidents_toolcall", "incidents_modelcall", "incidents_toolpin"}
_VERBS = "INSERT INTO|UPDATE|DELETE FROM|COPY|DROP|ALTER|CREATE|TRUNCATE|GRANT|CALL"
_WRITES = re.compile(rf'\b(?:{_VERBS})\s+"?(\w+)', re.I)


class Trap:
    """An address that every hostile text names; whoever calls it is counted."""

    def __init__(self) -> None:
        self.door = socket.create_server(("127.0.0.1", 0))
        self.calls = 0
        threading.Thread(target=self._count, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.door.getsockname()[1]}/loot"

    def _count(self) -> None:
        while True:
            try:
                self.door.accept()[0].close()
            except OSError:
                return
            self.calls += 1


@contextmanager
def gateway() -> Iterator[int]:
    """Its statements, and those that it sends to the outside database, are in the server's log by name."""
    ours = psycopg.connect(SERVER.url("postgres"), autocommit=True)
    ours.execute("ALTER SYSTEM SET log_statement = 'all'")
    ours.execute("ALTER SYSTEM SET log_line_prefix = '<%a|%d> '")
    ours.execute("SELECT pg_reload_conf()")
    try:
        with granian("app.gateway:application", "asgi", PGAPPNAME="gateway") as port:
            yield port
    finally:
        ours.execute("ALTER SYSTEM RESET log_statement")
        ours.execute("ALTER SYSTEM RESET log_line_prefix")
        ours.execute("SELECT pg_reload_conf()")
        ours.close()


@contextmanager
def outside_database() -> Iterator[str]:
    """Somebody's database, with a role that could write: that nothing is written is our doing, not its."""
    admin = psycopg.connect(SERVER.url("postgres"), autocommit=True)
    admin.execute(f"DROP DATABASE IF EXISTS {TARGET}")
    admin.execute(f"CREATE DATABASE {TARGET}")
    with psycopg.connect(SERVER.url(TARGET)) as theirs:
        theirs.execute("CREATE TABLE orders AS SELECT n AS id, 'row ' || n AS note FROM generate_series(1, 50) n")
    try:
        yield f"{SERVER.url(TARGET)}?application_name=outside"
    finally:
        admin.execute(f"DROP DATABASE {TARGET} WITH (FORCE)")
        admin.close()


def besieged(folder: Path, dsn: str) -> Incident:
    incident = failure(folder)
    target = Connection.objects.create(name=TARGET, kind="postgres", config={"namespace": "postgres://target"})
    vault.put(target, "dsn", dsn)
    orders = factories.asset("public.orders", "postgres://target")
    orders.edges_down.create(downstream=incident.root_asset)
    Connection.objects.create(name="elsewhere", kind="postgres", config={"namespace": "postgres://elsewhere"})
    return incident


def log_from(start: int) -> str:
    time.sleep(0.3)  # the server's log is written a moment later
    return (HOME / "postgres.log").read_bytes()[start:].decode(errors="replace")


def log_size() -> int:
    return (HOME / "postgres.log").stat().st_size


def statements(log: str, who: str) -> list[str]:
    return re.findall(rf"<{who}\|\w*> LOG:  (?:statement|execute [^:]*): ((?:.|\n(?!<))*)", log)


def written(log: str) -> tuple[set[str], list[str]]:
    """Tables that the gateway wrote, and statements to the outside database that do more than read."""
    own = {found for one in statements(log, "gateway") for found in _WRITES.findall(_bare(one))}
    reads = ("SELECT", "SET", "BEGIN", "COMMIT", "ROLLBACK", "SHOW", "WITH")
    theirs = statements(log, "outside")
    return own, [one for one in theirs if not one.lstrip().upper().startswith(reads) or ";" in _bare(one)]


def _bare(statement: str) -> str:
    """Without what stands in quotes: a value is no statement."""
    return re.sub(r"'(?:[^']|'')*'", "''", statement)


def counts() -> dict[str, int]:
    """Rows of every table that no model may have a part in."""
    watched = ("approvals_", "knowledge_", "core_", "integrations_", "incidents_incident", "incidents_diagnosis")
    tables = [name for name in connection.introspection.table_names() if name.startswith(watched)]
    found: dict[str, Any] = {}
    with connection.cursor() as cursor:
        for name in tables:
            cursor.execute(f'SELECT count(*), coalesce(max(xmin::text::bigint), 0) FROM "{name}"')
            found[name] = cursor.fetchone()
    return found
