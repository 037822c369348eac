"""The data folder: where one installation lives, who holds it now, and what a killed start left in it."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from app.launcher.errors import CannotStart

PARTS = ("keys", "logs", "run")  # not demo: its builder takes an existing folder for a half-built one
KNOWN = {
    *PARTS,
    "demo",
    "pg",
    "pg.new",
    "valkey",
    "programs",
    "services",
    "static",
    "secrets.env",
    "demo.json",
    "pg.password",
}
LOG_LIMIT = 10 * 1024 * 1024  # bytes: a larger log is moved aside at the next start


@dataclass(frozen=True)
class DataFolder:
    """Paths below one data folder. `open()` makes and holds it; nothing else writes outside the named parts."""

    root: Path

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.env"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def demo(self) -> Path:
        return self.root / "demo"

    @property
    def services(self) -> Path:
        """Where pg, valkey and programs live: here, or elsewhere when their user cannot reach this folder."""
        link = self.root / "services"
        return link.resolve() if link.is_symlink() else self.root

    @property
    def pg(self) -> Path:
        return self.services / "pg"

    @property
    def valkey(self) -> Path:
        return self.services / "valkey"

    def open(self) -> IO[str]:
        """Make the folder and take it: the returned file holds the lock until it is closed.

        Raises CannotStart when the folder is a file, holds something else, belongs to somebody else, or is in use.
        """
        try:
            self._make()
            return self._lock()
        except (FileExistsError, NotADirectoryError) as error:
            raise CannotStart(
                f"The data folder {self.root} cannot be used: {error.filename} is a file, not a folder.",
                "move that file away, or name another folder with --data-dir.",
            ) from error
        except PermissionError as error:
            raise CannotStart(
                f"No permission for {error.filename} in the data folder {self.root}.",
                "start as the user who started it first, give the folder to this user, or name another (--data-dir).",
            ) from error
        except OSError as error:
            raise CannotStart(
                f"The data folder {self.root} cannot be used: {error.strerror}.",
                "free some space or repair the file system, or name another folder with --data-dir.",
            ) from error

    def _make(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        strangers = sorted({path.name for path in self.root.iterdir()} - KNOWN)
        if strangers and not self.secrets.exists():
            raise CannotStart(
                f"{self.root} already holds other files ({', '.join(strangers[:3])}) and is not a data folder of ours.",
                "name an empty or a new folder with --data-dir.",
            )
        # because the database's own user must pass through, but need not list what is inside
        if self.root.stat().st_uid == os.geteuid():
            self.root.chmod(0o711)
        for part in PARTS:
            (self.root / part).mkdir(exist_ok=True, mode=0o700)

    def _lock(self) -> IO[str]:
        held = (self.run / "lock").open("a+")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            held.seek(0)
            holder = held.read().strip() or "unknown"
            raise CannotStart(
                f"Countersign is already running on the data folder {self.root} (process {holder}).",
                "use that one, stop it with Ctrl-C, or name another folder with --data-dir and another --port.",
            ) from error
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        return held

    def held(self) -> bool:
        """True while an `up` runs on this folder."""
        lock = self.run / "lock"
        if not lock.exists():
            return False
        with lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def log(self, name: str) -> Path:
        """The log file of one process; one that grew too large becomes `<name>.log.1`."""
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
        return path


def write_private(path: Path, text: str, *, durable: bool = True) -> None:
    """Write `path` whole or not at all, readable by its owner alone; `durable` also against a power cut."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        if durable:
            os.fsync(file.fileno())
    draft.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """What `path` holds; nothing when it is missing or was cut off by a crash."""
    try:
        found = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
