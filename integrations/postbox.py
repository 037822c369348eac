"""The letter box of a door: an arrival is on disk before its sender hears "received", and a row as soon as can be.

A messenger waits three seconds for its answer, and the database may take longer than that. So a door writes one file
per arrival, flushed to the disk, and answers; a thread beside it carries them into `Act` rows, many in one statement.
A crash anywhere in between carries a file in twice, and the row's uniqueness folds them. What is left behind is
carried in by the next process that looks. A file is never authority: it is a request like the act that it becomes.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import Error, connection, transaction

from app.core.tasks import ring_aside
from integrations.models import Act, Connection
from integrations.values import Json

log = logging.getLogger(__name__)

BELL = "approvals.tasks.acts"
BATCH = 1000  # acts in one statement: a slow database takes as long for one
FULL = 50_000  # files; beyond it the door says so instead of filling the disk
RETRY_S = 1.0  # seconds between two tries while the database is away
POISON = (ValueError, TypeError, KeyError)


class Full(OSError):
    """Nothing more fits into the letter box."""


@dataclass(frozen=True)
class Arrival:
    """An act before it has a row. `connection` is the name of the one whose door or socket it came through."""

    team: str
    person: str
    kind: str
    action_ts: str
    verb: str = ""
    nonce: str = ""
    channel: str = ""
    message: str = ""
    trigger: str = ""
    payload: Json = field(default_factory=dict)
    connection: str = ""
    received_at: str = ""  # ISO 8601, the door's clock


def drop(arrival: Arrival, *, name: str) -> None:
    """Keep what came through the connection `name`, on disk, before this returns. Raises OSError where it cannot."""
    if _carrier.behind > FULL:
        raise Full
    stamped = replace(arrival, connection=name, received_at=datetime.now(UTC).isoformat())
    box, data = _box(), json.dumps(asdict(stamped)).encode()
    letter = f"{time.time_ns():020}-{uuid.uuid4().hex}"
    draft = box / "tmp" / letter
    with draft.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(box / "new" / letter)
    _flush(box / "new")
    _carrier.wake()


def carry() -> int:
    """Make acts of the letters that wait, oldest first; returns how many. While the database is away it raises that."""
    box, done = _box(), 0
    while letters := sorted(path.name for path in (box / "new").iterdir())[:BATCH]:
        read = {letter: row for letter in letters if (row := _read(box, letter)) is not None}
        rows = dict(_with_connections(box, read))
        _keep(box, rows)
        for letter in rows:
            (box / "new" / letter).unlink(missing_ok=True)
        done += len(rows)
        if rows:
            ring_aside(BELL)
    return done


def waiting() -> int:
    return sum(1 for _ in (_box() / "new").iterdir())


def _keep(box: Path, rows: dict[str, Act]) -> None:
    """All in one statement; where one of them is refused, one by one, and what is refused is laid aside."""
    try:
        Act.objects.bulk_create(rows.values(), ignore_conflicts=True)
    except Error:
        if not _answers():
            raise
        for letter, row in list(rows.items()):
            try:
                with transaction.atomic():
                    Act.objects.bulk_create([row], ignore_conflicts=True)
            except Error as error:
                if not _answers():
                    raise
                _aside(box, letter, error)
                del rows[letter]


def _answers() -> bool:
    """Whether the database is there, so that it was the row that it refused."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def _with_connections(box: Path, read: dict[str, tuple[str, Act]]) -> Iterator[tuple[str, Act]]:
    names = {name for name, _ in read.values()}
    known = dict(Connection.objects.filter(name__in=names).values_list("name", "pk"))
    for letter, (name, row) in read.items():
        if name in known:
            row.connection_id = known[name]
            yield letter, row
        else:
            _aside(box, letter, LookupError(f"no connection {name[:60]!r}"))


def _read(box: Path, letter: str) -> tuple[str, Act] | None:
    try:
        said = Arrival(**json.loads((box / "new" / letter).read_bytes()))
        fields = {name: value for name, value in asdict(said).items() if name not in {"connection", "received_at"}}
        return said.connection, Act(**fields, received_at=datetime.fromisoformat(said.received_at))
    except FileNotFoundError:  # another process carried it in
        return None
    except POISON as error:
        _aside(box, letter, error)
        return None


def _aside(box: Path, letter: str, error: Exception) -> None:
    """A letter that nobody can read stands in nobody's way, and is kept for whoever wonders."""
    log.error("letter %s laid aside: %s", letter, error)
    try:
        (box / "new" / letter).rename(box / "bad" / letter)
    except FileNotFoundError:
        return


def _box() -> Path:
    """Three folders that only we can read: being written, waiting, laid aside."""
    box = Path(settings.DATA_DIR) / "postbox"
    if not (box / "bad").is_dir():
        for part in ("tmp", "new", "bad"):
            (box / part).mkdir(parents=True, exist_ok=True, mode=0o700)
    return box


def _flush(folder: Path) -> None:
    """So that the name outlives a power cut too, and not the bytes alone."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


class Carrier:
    """The thread of a process that carries letters in; started by the first one, alive as long as the process."""

    def __init__(self) -> None:
        self.behind = 0  # letters that waited when the database last could not be reached
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        self._wake.set()
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="postbox", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while self._wake.wait():
            self._wake.clear()
            try:
                carry()
                self.behind = 0
            except (Error, OSError) as error:
                self.behind = waiting()
                log.warning("letters wait for the database: %s, %s", self.behind, error.__class__.__name__)
                time.sleep(RETRY_S)
                self._wake.set()
            finally:
                connection.close()  # because nobody else ends the session of a thread


_carrier = Carrier()
