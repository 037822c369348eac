"""One file that holds an installation: its database, its secrets and its keys. Whoever has it has everything."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from app.core.audit import VERSION
from app.launcher import grants
from app.launcher import keys as secrets
from app.launcher.errors import CannotStart
from app.launcher.folder import DataFolder, write_private
from app.launcher.reach import Reached, reach

FORMAT = 1
# Vectors are made anew, because they could not be restored into a database that has no pgvector.
WITHOUT = ("--exclude-table=knowledge_vector", "--exclude-extension=vector")
DUMP, SECRETS, VAULT, MANIFEST = "database.dump", "secrets.env", "vault.private", "manifest.json"


def back_up(folder: DataFolder, target: Path) -> int:
    """Write `target`, readable by its owner alone, and return its size in bytes. Works on a running installation."""
    with reach(folder, alone=False) as database, tempfile.TemporaryDirectory(dir=_scratch(target)) as scratch:
        dump = Path(scratch) / DUMP
        _run(
            database,
            "pg_dump",
            ["--format=custom", "--no-owner", "--no-privileges", "--no-comments", *WITHOUT, f"--file={dump}"],
        )
        about = {"format": FORMAT, "version": VERSION, "made_at": datetime.now(UTC).isoformat(timespec="seconds")}
        draft = Path(scratch) / "backup"
        with draft.open("xb") as file, tarfile.open(fileobj=file, mode="w") as archive:
            draft.chmod(0o600)
            _add(archive, MANIFEST, json.dumps(about).encode())
            for name, path in ((SECRETS, folder.secrets), (VAULT, folder.keys / VAULT)):
                if path.exists():
                    _add(archive, name, path.read_bytes())
            archive.add(dump, DUMP)
        draft.replace(target)
    return target.stat().st_size


def restore(folder: DataFolder, source: Path, *, force: bool) -> None:
    """Put the installation of `source` into `folder`, or into DATABASE_URL where that is set.

    Raises CannotStart when the file is none of ours, or would overwrite something without `force`.
    """
    parts = _read(source)
    _restore_keys(folder, parts, force=force)
    with reach(folder, alone=True) as database:
        _make_room(database, force=force)
        options = ["--no-owner", "--no-privileges", "--no-comments", "--exit-on-error", "--single-transaction"]
        options += [f"--role={database.role}"] if database.role else []
        with tempfile.TemporaryDirectory(dir=folder.run) as scratch:
            _unpack(source, DUMP, Path(scratch) / DUMP)
            name = conninfo_to_dict(database.url)["dbname"]
            _run(database, "pg_restore", [*options, f"--dbname={name}", str(Path(scratch) / DUMP)])


def _read(source: Path) -> dict[str, bytes]:
    """The small members of the archive by name; nothing is unpacked to a path that the file chooses."""
    try:
        with tarfile.open(source, "r:") as archive:
            names = set(archive.getnames())
            found = {name: archive.extractfile(name) for name in names & {MANIFEST, SECRETS, VAULT}}
            parts = {name: file.read() for name, file in found.items() if file is not None}
        about = json.loads(parts[MANIFEST])
    except (OSError, tarfile.TarError, KeyError, json.JSONDecodeError) as error:
        raise CannotStart(
            f"{source} is not a backup: {error}.", "name a file that `manage.py backup` wrote."
        ) from error
    if about.get("format") != FORMAT or DUMP not in names:
        raise CannotStart(
            f"{source} is of format {about.get('format')}; this release reads {FORMAT}.",
            "use the release that wrote it.",
        )
    return parts


def _unpack(source: Path, member: str, target: Path) -> None:
    with tarfile.open(source, "r:") as archive:
        packed = archive.extractfile(member)
        if packed is None:
            raise CannotStart(f"{member} in {source} is no file.", "name a file that `manage.py backup` wrote.")
        with target.open("wb") as file:
            shutil.copyfileobj(packed, file)


def _restore_keys(folder: DataFolder, parts: dict[str, bytes], *, force: bool) -> None:
    """Secrets and vault key of the backup; a database that is already here keeps its own passwords."""
    kept = secrets.read(folder)
    if kept and not force:
        raise CannotStart(
            f"{folder.root} already holds an installation.",
            "restore into a new --data-dir, or add --force to lose what is there.",
        )
    with folder.open():
        lines = parts.get(SECRETS, b"").decode().splitlines()
        values = dict(line.split("=", 1) for line in lines if "=" in line)
        values |= {name: kept[name] for name in secrets.LAUNCHER_ONLY if name in kept}
        if VAULT in parts:
            write_private(folder.keys / VAULT, parts[VAULT].decode())
        if values:
            write_private(folder.secrets, "".join(f"{name}={value}\n" for name, value in sorted(values.items())))


def _make_room(database: Reached, *, force: bool) -> None:
    with psycopg.connect(database.url) as connection:
        found = grants.tables(connection)
        if found and not force:
            raise CannotStart(
                f"The database is not empty ({len(found)} tables).",
                "restore into an empty one, or add --force to lose it.",
            )
        if found:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public")
        if database.role:
            connection.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(sql.Identifier(database.role)))


def _run(database: Reached, name: str, options: list[str]) -> None:
    done = subprocess.run(
        [database.program(name), "--no-password", *options],
        env=database.env(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = "\n    ".join(done.stderr.strip().splitlines()[:3])
        raise CannotStart(f"{name} failed: {said}", "mend that and run the command again; nothing was left half done.")


def _scratch(target: Path) -> Path:
    """Beside the target, so that the last step is a rename within one file system."""
    folder = target.absolute().parent
    if not os.access(folder, os.W_OK):
        raise CannotStart(f"{folder} is missing or cannot be written.", "name a file in a folder of yours.")
    return folder


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    archive.addfile(member, io.BytesIO(content))
