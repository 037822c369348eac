"""What runs, in which order, and what each process may know."""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.launcher.external import Database
from app.launcher.folder import DataFolder
from app.launcher.keys import VAULT_PRIVATE, Keys
from app.launcher.ports import healthy
from app.launcher.processes import Spec
from app.launcher.progress import has_said, size

BASE = Path(__file__).resolve().parents[2]
HIDDEN = (VAULT_PRIVATE, "COUNTERSIGN_OWNER_DATABASE_URL", "COUNTERSIGN_SETUP_TOKEN", "COUNTERSIGN_DEMO_CRM_URL")
GATEWAY_STAGE, WORKER_STAGE, DOOR_STAGE = 2, 3, 4  # after postgres 0 and valkey 1; the highest stops first
KILL_TIMEOUT_S = 3  # because an open event stream keeps granian alive for ever otherwise
READY = b" ready."  # celery.apps.worker's word for it
WORKER_GRACE_S = 8  # above the workers' soft shutdown of 4
WORKER_HURRY_S = 2.1  # an idle one needs 2; a busy one is killed, and its step is taken up again at the next start


@dataclass(frozen=True)
class Options:
    """What the command line said."""

    host: str
    port: int
    demo: bool

    @property
    def url(self) -> str:
        """Where a person finds us; behind a proxy COUNTERSIGN_URL says it."""
        return os.environ.get("COUNTERSIGN_URL", f"http://{self.door}:{self.port}")

    @property
    def door(self) -> str:
        """The address under which the listening host can be called from here."""
        if self.host in ("0.0.0.0", ""):  # noqa: S104 - compared, not bound
            return "127.0.0.1"
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def stream_url(self) -> str:
        return os.environ.get("COUNTERSIGN_STREAM_URL", f"http://{self.door}:{self.port + 1}")


@dataclass(frozen=True)
class Places:
    """Where the servers of this start are."""

    database: Database
    broker_url: str
    crm_url: str
    gateway_port: int


class Plan:
    """The processes of one start."""

    def __init__(self, options: Options, folder: DataFolder, keys: Keys, places: Places) -> None:
        self.options = options
        self.folder = folder
        self.keys = keys
        self.places = places

    def shared(self) -> dict[str, str]:
        """What every process of ours gets beside our own environment; no secret of an outside system."""
        return {
            **self.keys.shared(),
            "DATABASE_URL": self.places.database.app_url,
            "BROKER_URL": self.places.broker_url,
            "COUNTERSIGN_DATA_DIR": str(self.folder.root),
            "COUNTERSIGN_URL": self.options.url,
            "COUNTERSIGN_STREAM_URL": self.options.stream_url,
            "COUNTERSIGN_GATEWAY_URL": f"http://127.0.0.1:{self.places.gateway_port}",
            "COUNTERSIGN_HOSTS": os.environ.get("COUNTERSIGN_HOSTS", self._hosts()),
            "COUNTERSIGN_DEBUG": os.environ.get("COUNTERSIGN_DEBUG", "0"),
            "COUNTERSIGN_DECIDE_BY_TOKEN": os.environ.get("COUNTERSIGN_DECIDE_BY_TOKEN", str(int(self.options.demo))),
            "DJANGO_SETTINGS_MODULE": "app.settings",
            "PYTHONUNBUFFERED": "1",
        }

    def _env(self, **extra: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in HIDDEN}
        return {**inherited, **self.shared(), **extra}

    def _hosts(self) -> str:
        own = {"127.0.0.1", "localhost", "[::1]", self.options.door, socket.gethostname()}
        return ",".join(sorted(own))

    def prepare(self) -> Spec:
        """Migrate as the owner, grant to the application role, make the demo's people."""
        arguments = ["--app-role", self.places.database.app_role, *(["--demo"] if self.options.demo else [])]
        env = self._env(COUNTERSIGN_OWNER_DATABASE_URL=self.places.database.owner_url)
        return self._once("migrate", manage("prepare", *arguments), env)

    def demo(self) -> Spec:
        """The demo's history. It makes a lake, a warehouse and a CRM and runs their jobs, so it may open the vault."""
        env = self._env(
            COUNTERSIGN_DEMO_CRM_URL=self.places.crm_url, COUNTERSIGN_VAULT_PRIVATE_KEY=self.keys.vault_private
        )
        return self._once("demo", manage("demo", "build"), env)

    def processes(self) -> list[Spec]:
        """In the order in which they start."""
        opener = self._env(COUNTERSIGN_VAULT_PRIVATE_KEY=self.keys.vault_private)
        web = self._env(COUNTERSIGN_SETUP_TOKEN=self.keys["SETUP_TOKEN"], COUNTERSIGN_DB_POOL="1")
        port, gateway_port = self.options.port, self.places.gateway_port
        return [
            self._server(
                "gateway", "asgi", "127.0.0.1", gateway_port, "app.gateway:application", opener, GATEWAY_STAGE
            ),
            self._worker("diagnose", 1, self._env()),
            self._worker("act", 2, opener),
            self._worker("tell", 2, opener),  # messages that stay current, and what is pressed in them
            Spec("slack", manage("slack"), opener, DOOR_STAGE, cwd=BASE),  # Socket Mode; idle where nobody uses it
            self._beat(),
            self._server(
                "stream", "asgi", self.options.host, port + 1, "app.stream:application", self._env(), DOOR_STAGE
            ),
            self._server("web", "wsgi", self.options.host, port, "app.wsgi:application", web, DOOR_STAGE),
        ]

    def _server(
        self, name: str, interface: str, host: str, port: int, target: str, env: dict[str, str], stage: int
    ) -> Spec:
        argv = [sys.executable, "-m", "granian", "--interface", interface, "--host", host, "--port", str(port)]
        argv += ["--workers", "1", "--workers-kill-timeout", str(KILL_TIMEOUT_S), "--no-ws", "--log-level", "warning"]
        if interface == "wsgi":
            argv += ["--blocking-threads", "8"]
        door = self.options.door if host == self.options.host else host
        ready = partial(healthy, door.strip("[]"), port, self.options.url)
        return Spec(name, (*argv, target), env, stage, grace_s=KILL_TIMEOUT_S + 2, ready=ready, cwd=BASE)

    def _worker(self, queue: str, concurrency: int, env: dict[str, str]) -> Spec:
        argv = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "app",
            "worker",
            "-Q",
            queue,
            "--pool",
            "prefork",
            "-c",
            str(concurrency),
        ]
        argv += ["-n", f"{queue}@%h", "--without-mingle", "--without-gossip", "--loglevel", "INFO"]
        name = f"worker-{queue}"
        return Spec(
            name,
            tuple(argv),
            env,
            WORKER_STAGE,
            grace_s=WORKER_GRACE_S,
            hurry_s=WORKER_HURRY_S,
            stop_signal=signal.SIGQUIT,
            ready=partial(has_said, self.folder.log(name), size(self.folder.log(name)), READY),
            orphan_signal=signal.SIGKILL,  # because with the broker gone as well it would try to say goodbye for ever
            cwd=BASE,
        )

    def _beat(self) -> Spec:
        schedule = str(self.folder.run / "beat-schedule")
        argv = (sys.executable, "-m", "celery", "-A", "app", "beat", "--schedule", schedule, "--loglevel", "INFO")
        return Spec("beat", argv, self._env(), DOOR_STAGE, cwd=BASE)

    def beside(self, name: str, argv: list[str]) -> Spec:
        """A service that the demo's pipeline calls: exchange rates, a cluster; `argv` is the demo's own word for it."""
        return Spec(name, tuple(argv), self._env(), DOOR_STAGE, cwd=BASE)

    def _once(self, name: str, argv: tuple[str, ...], env: dict[str, str]) -> Spec:
        return Spec(name, argv, env, DOOR_STAGE, keep=False, cwd=BASE)


def manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, str(BASE / "manage.py"), *arguments)
