"""Doorbells. A message carries one id and no authority: lost, doubled or forged, nothing comes of it."""

from __future__ import annotations

import logging
import threading

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def ring(name: str, pk: int | str | None = None) -> None:
    """Ask a worker to look at `pk`. A dead broker is only logged, because the sweep rings again."""
    try:
        current_app.signature(name, args=[] if pk is None else [pk]).apply_async(retry=False)
    except (OperationalError, OSError, RuntimeError) as error:  # the last one: a pool that its process has closed
        log.warning("bell %s %s not rung: %s", name, pk, error.__class__.__name__)


def ring_after_commit(name: str, pk: int | str | None = None) -> None:
    """Ring when the transaction has committed; whatever then goes wrong with the bell does not undo the fact."""
    transaction.on_commit(lambda: ring(name, pk), robust=True)


def ring_aside(name: str) -> None:
    """Ring from a thread of its own, for who cannot wait until a dead broker is known to be dead.

    While one ring is under way others of the same name become one: it is a bell for whatever is there.
    """
    _ringer.ask(name)


class _Ringer:
    def __init__(self) -> None:
        self._asked: set[str] = set()
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def ask(self, name: str) -> None:
        with self._news:
            self._asked.add(name)
            self._news.notify()
            if self._thread is None or not self._thread.is_alive():  # also after a fork, where only the name is left
                self._thread = threading.Thread(target=self._run, name="ringer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: bool(self._asked))
                names, self._asked = self._asked, set()
            for name in sorted(names):
                ring(name)


_ringer = _Ringer()
