"""One start, from an empty folder to `Countersign is ready`, and its orderly end."""

from __future__ import annotations

import json
import os
import signal

import psycopg

from app.launcher import account as accounts
from app.launcher import keys as secrets
from app.launcher import leftovers, statics
from app.launcher.demo import sign_in_lines
from app.launcher.errors import CannotStart, StopRequested
from app.launcher.external import Database, divide, without_password
from app.launcher.folder import DataFolder, read_json, write_private
from app.launcher.grants import APP, CRM, CRM_DATABASE, DATABASE, OWNER
from app.launcher.plan import Options, Places, Plan
from app.launcher.ports import free_port, require_free
from app.launcher.postgres import Postgres
from app.launcher.processes import Child, Supervisor
from app.launcher.progress import Progress, Tail
from app.launcher.valkey import Valkey, require_safe_broker
from integrations.demo.lakehouse import read as read_lakehouse
from integrations.demo.lakehouse import services

TEND_S = 0.2
BAD_START = 2


class Launch:
    """Brings everything up, tends it until a stop signal, and takes it down in reverse."""

    def __init__(self, options: Options, folder: DataFolder, progress: Progress, errors: Progress) -> None:
        self.options = options
        self.folder = folder
        self.progress = progress
        self.errors = errors
        self.supervisor = Supervisor(folder)
        self.tails: dict[str, Tail] = {}
        self.services_run = False

    def run(self) -> int:
        """The exit code: 0 after an orderly stop, 2 when the start could not be made."""
        try:
            if not self._is_taken():
                self._require_ports()
            with self.folder.open():
                return self._run_held()
        except CannotStart as error:
            self.errors.say(str(error))
            return BAD_START
        except StopRequested:
            return 0

    def _run_held(self) -> int:
        try:
            self._tend(self._bring_up())
        except StopRequested:
            self.progress.say("")
            self.progress.step("stopping")
        finally:
            self.supervisor.stop(hurried=signal.SIGTERM not in self.supervisor.stop_signals)
            (self.folder.run / "environment.json").unlink(missing_ok=True)
        self.progress.step("everything is stopped; your data is kept")
        return 0

    def _is_taken(self) -> bool:
        """Whether `open` will refuse: that says more than that the ports of the one that runs are taken."""
        try:
            return self.folder.held()
        except OSError:
            return True

    def _require_ports(self) -> None:
        require_free(self.options.host, self.options.port, "--port")
        require_free(self.options.host, self.options.port + 1, "--port (the event stream takes the one after it)")

    def _bring_up(self) -> Plan:
        if ended := leftovers.clear(self.folder):
            self.progress.step(f"an earlier start was killed: ended what it left running ({', '.join(ended)})")
        keys = secrets.load(self.folder)
        self.progress.step(f"data folder {self.folder.root}")
        static = statics.collecting(self.folder)
        collecting = self.supervisor.start(static) if static else None
        plan = Plan(self.options, self.folder, keys, self._servers(keys))
        self._migrate(plan)
        self._collect(collecting)
        self._start(plan)
        self._announce(plan)
        return plan

    def _servers(self, keys: secrets.Keys) -> Places:
        database_url, broker_url = os.environ.get("DATABASE_URL", ""), os.environ.get("BROKER_URL", "")
        if broker_url:
            require_safe_broker(broker_url)
        embedded = not database_url or self.options.demo  # because the demo's CRM needs a server that it may change
        account = accounts.choose(self.folder) if embedded or not broker_url else None
        ports = self._ports()
        broker = None
        if account is not None:
            accounts.place(self.folder, account)
        if account is not None and not broker_url:
            valkey = Valkey.at(self.folder, account, keys, ports["valkey"])
            broker, broker_url = self.supervisor.start(valkey.server()), valkey.url
        postgres = (
            Postgres.at(self.folder, account, keys, ports["postgres"]) if account is not None and embedded else None
        )
        if postgres is not None:
            self._start_postgres(postgres)
        if broker is not None:
            self.supervisor.wait_ready(broker)
            self.progress.step(f"Valkey on 127.0.0.1:{ports['valkey']}")
        database = self._database(database_url, postgres, keys)
        crm = postgres.url(CRM, CRM_DATABASE) if postgres is not None and self.options.demo else ""
        return Places(database, broker_url, crm, ports["gateway"])

    def _ports(self) -> dict[str, int]:
        """Free ports, the same as last time where they still are."""
        kept = read_json(self.folder.run / "ports.json")
        ports: dict[str, int] = {}
        for name in ("postgres", "valkey", "gateway"):
            ports[name] = free_port(int(kept.get(name, 0)))
        if (
            self.options.demo
            and (self.folder.demo / "state.json").exists()
            and ports["postgres"] != kept.get("postgres")
        ):
            raise CannotStart(
                f"Port {kept.get('postgres')} is taken; the demo's pipeline knows its CRM by that port.",
                "stop the program that took it, or start the demo anew with another --data-dir.",
            )
        write_private(self.folder.run / "ports.json", json.dumps(ports))
        return ports

    def _start_postgres(self, postgres: Postgres) -> None:
        if initdb := postgres.initialise():
            self.supervisor.finish(self.supervisor.start(initdb))
            postgres.adopt()
            self.progress.step("a new database was made")
        self.supervisor.wait_ready(self.supervisor.start(postgres.server()))
        postgres.make_roles(crm=self.options.demo)
        self.progress.step(f"PostgreSQL {postgres.version()} on 127.0.0.1:{postgres.port}")

    def _database(self, url: str, postgres: Postgres | None, keys: secrets.Keys) -> Database:
        if url:
            database = divide(url, os.environ.get("COUNTERSIGN_OWNER_DATABASE_URL", ""), keys["APP_PASSWORD"])
            self.progress.step(f"your database {without_password(url)}")
            if not database.app_role:
                self.progress.step(
                    "  one role owns and works there and could change the audit trail: see `manage.py doctor`"
                )
            return database
        if postgres is None:
            raise CannotStart("There is no database.", "unset DATABASE_URL or set it to a server of yours.")
        return Database(postgres.url(APP), postgres.url(OWNER), APP, DATABASE)

    def _migrate(self, plan: Plan) -> None:
        child = self.supervisor.start(plan.prepare())
        self.supervisor.finish(child)
        self.progress.step("database is up to date")

    def _collect(self, collecting: Child | None) -> None:
        if collecting is not None:
            self.supervisor.finish(collecting)
            statics.collected(self.folder)
            self.progress.step("static files collected")

    def _start(self, plan: Plan) -> None:
        environment = {**plan.shared(), "COUNTERSIGN_DEMO_CRM_URL": plan.places.crm_url}
        write_private(self.folder.run / "environment.json", json.dumps(environment))
        started = [self.supervisor.start(spec) for spec in plan.processes()]
        for child in started:
            self.supervisor.wait_ready(child)
            self.progress.step(f"{child.spec.name} {'is up' if child.spec.ready else 'started'}")

    def _announce(self, plan: Plan) -> None:
        self.progress.say(f"Countersign is ready at {self.options.url}")
        if self.options.demo:
            for line in sign_in_lines(self.folder):
                self.progress.say(line)
            spec = plan.demo()
            self.tails[spec.name] = Tail(self.folder.log(spec.name))
            self.supervisor.start(spec)
        elif nobody_yet(plan.places.database.app_url):
            self.progress.say(
                f"Make the first administrator: {self.options.url}/setup/?token={plan.keys['SETUP_TOKEN']}"
            )
        else:
            self.progress.say(f"Sign in at {self.options.url}/ with your account.")
        self.progress.say("Ctrl-C stops everything.")

    def _tend(self, plan: Plan) -> None:
        while True:
            self.supervisor.pause(TEND_S)
            for line in self.supervisor.tend():
                self.progress.step(line)
            for name, tail in self.tails.items():
                for line in tail.lines():
                    self.progress.step(f"{name}: {line}")
            if self.options.demo and not self.services_run and (lakehouse := read_lakehouse(self.folder.demo)):
                for name, argv in services(lakehouse).items():
                    self.supervisor.start(plan.beside(name, argv))
                self.services_run = True


def nobody_yet(url: str) -> bool:
    """True while no person has an account."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT EXISTS (SELECT 1 FROM core_user)").fetchone()
    return not (row and row[0])
