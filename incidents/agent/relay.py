"""A pipe between a socket that a sandbox can reach and the one address behind it: nothing else is ever dialled."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CHUNK = 65_536  # bytes
Dial = Callable[[], socket.socket]


@contextmanager
def outside(path: Path, host: str, port: int) -> Iterator[None]:
    """Before the wall: what comes to the unix socket `path` goes to the gateway at `host`:`port`."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        path.chmod(0o666)  # because the agent is another user; the folder is its own
        with _serving(door, lambda: socket.create_connection((host, port), timeout=10)):
            yield


@contextmanager
def inside(path: str) -> Iterator[int]:
    """Behind it: a port of loopback, for clients that speak only TCP, leads to the unix socket."""

    def dial() -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.connect(path)
        return made

    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        with _serving(door, dial):
            yield int(door.getsockname()[1])


@contextmanager
def _serving(door: socket.socket, dial: Dial) -> Iterator[None]:
    door.listen(8)
    threading.Thread(target=_accept, args=(door, dial), daemon=True).start()
    try:
        yield
    finally:
        with suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts


def _accept(door: socket.socket, dial: Dial) -> None:
    while True:
        try:
            near, _ = door.accept()
        except OSError:
            return  # closed
        try:
            far = dial()
        except OSError:
            near.close()
            continue
        far.settimeout(None)
        for pair in ((near, far), (far, near)):
            threading.Thread(target=_pump, args=pair, daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
    if source.fileno() != -1:
        source.close()
