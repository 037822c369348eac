"""The warehouse file as a whole: copied to be read, kept to be put back."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from integrations.errors import BaseMoved, Refused, Unreachable

TRIES = 4  # copies of a file that is being written to
_CHUNK = 1 << 20  # bytes


@contextmanager
def reading(path: Path, scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to a copy that lives as long as the block: whoever writes the file is not disturbed."""
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="copy-") as folder:
        for attempt in range(TRIES):
            copy = copy_to(path, Path(folder) / str(attempt) / path.name)
            try:
                connection = duckdb.connect(str(copy), read_only=True)
                break
            except duckdb.Error as error:  # copied in the middle of a checkpoint
                if attempt == TRIES - 1:
                    raise Unreachable(f"The warehouse file cannot be read: {_first_line(error)}") from error
        with connection:
            connection.execute("SET enable_external_access = false")
            yield connection


def copy_to(path: Path, target: Path) -> Path:
    """The file and what its journal holds, unchanged while they were copied."""
    for _ in range(TRIES):
        target.parent.mkdir(parents=True, exist_ok=True)
        before = _state(path)
        try:
            for source, copy in ((path, target), (_journal(path), _journal(target))):
                copy.unlink(missing_ok=True)
                if source.exists():
                    shutil.copyfile(source, copy)
        except FileNotFoundError:
            continue  # the journal went away meanwhile
        if before == _state(path) and path.exists():
            return target
    raise Unreachable(f"The warehouse file {path.name} is missing, or is being written to without a pause.")


def digest(path: Path) -> str:
    """sha256 over the file and its journal; "" when there is no file."""
    if not path.exists():
        return ""
    found = hashlib.sha256()
    for part in (path, _journal(path)):
        if part.exists():
            with part.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    found.update(chunk)
    return found.hexdigest()


def backup(path: Path, kept: Path) -> str:
    """Keep the file once: a second call leaves the first copy alone. Returns the copy's digest."""
    if not kept.exists():
        _install(copy_to(path, kept.with_name(f"{kept.name}.new")), kept)
    return digest(kept)


def restore(path: Path, kept: Path, *, before: str, after: str) -> None:
    """Put the kept bytes back, at one stroke. Raises `BaseMoved` when someone wrote to the file after the run."""
    if digest(path) == before:
        return
    if digest(kept) != before:
        raise Refused("The copy that was kept is gone or is not what it was, so the file cannot be put back.")
    with _held(path):
        if digest(path) != after:
            raise BaseMoved("The warehouse was written to after this run; putting it back would lose that.")
        _install(copy_to(kept, path.with_name(f".{path.name}.countersign")), path)


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """DuckDB's own lock on the file: nobody has it open while we switch it."""
    with path.open("rb+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Unreachable("Another process holds the warehouse file.") from error
        yield


def _install(new: Path, path: Path) -> None:
    _journal(path).unlink(missing_ok=True)
    if _journal(new).exists():
        _journal(new).replace(_journal(path))
    new.replace(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _journal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _state(path: Path) -> tuple[tuple[int, int], ...]:
    return tuple((part.stat().st_mtime_ns, part.stat().st_size) for part in (path, _journal(path)) if part.exists())


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
