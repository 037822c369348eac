"""A PostgreSQL that answers late, or not until it is let: a proxy that holds back what the server says."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 65_536


@dataclass
class Slow:
    """`delay_s` is added to each answer; between `hold` and `release` there is none."""

    port: int
    delay_s: float = 0.0
    flowing: threading.Event = field(default_factory=threading.Event)

    def hold(self) -> None:
        self.flowing.clear()

    def release(self) -> None:
        self.flowing.set()


@contextmanager
def slowed(host: str, port: int) -> Iterator[Slow]:
    """Stand before the server at `host:port`, at first without any delay."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)
    made = Slow(listener.getsockname()[1])
    made.release()
    threading.Thread(target=_accept, args=(listener, made, host, port), daemon=True).start()
    try:
        yield made
    finally:
        made.delay_s = 0.0
        made.release()
        listener.close()


def _accept(listener: socket.socket, slow: Slow, host: str, port: int) -> None:
    with suppress(OSError):
        while True:
            near, _ = listener.accept()
            far = socket.create_connection((host, port))
            waiting: queue.Queue[tuple[float, bytes]] = queue.Queue()
            threading.Thread(target=_forward, args=(near, far), daemon=True).start()
            threading.Thread(target=_read, args=(far, slow, waiting), daemon=True).start()
            threading.Thread(target=_answer, args=(near, slow, waiting), daemon=True).start()


def _forward(near: socket.socket, far: socket.socket) -> None:
    with suppress(OSError):
        while data := near.recv(CHUNK):
            far.sendall(data)
    with suppress(OSError):
        far.shutdown(socket.SHUT_RDWR)


def _read(far: socket.socket, slow: Slow, waiting: queue.Queue[tuple[float, bytes]]) -> None:
    data = b"x"
    while data:
        try:
            data = far.recv(CHUNK)
        except OSError:
            data = b""
        waiting.put((time.monotonic() + slow.delay_s, data))


def _answer(near: socket.socket, slow: Slow, waiting: queue.Queue[tuple[float, bytes]]) -> None:
    with suppress(OSError):
        while True:
            due, data = waiting.get()
            time.sleep(max(0.0, due - time.monotonic()))
            slow.flowing.wait()
            if not data:
                near.shutdown(socket.SHUT_RDWR)
                return
            near.sendall(data)
