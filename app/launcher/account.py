"""Which user the embedded servers run as: ourselves, or as root another one, because PostgreSQL refuses root."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from app.launcher.errors import CannotStart
from app.launcher.folder import DataFolder

CANDIDATES = ("countersign", "postgres", "nobody")
ELSEWHERE = Path("/var/lib")
PROBE_S = 20  # seconds for a program that only prints its version


@dataclass(frozen=True)
class Account:
    """The user of the embedded servers. `drops` is true when root has to be left for it."""

    uid: int
    gid: int
    drops: bool

    def command(self, argv: list[str], *, when_parent_dies: str = "TERM") -> list[str]:
        """`argv` as this user, without a shell; a change of user clears the parent-death signal, so it is set here."""
        if not self.drops:
            return argv
        who = [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        return [_setpriv(), *who, "--pdeathsig", when_parent_dies, "--no-new-privs", "--", *argv]

    def own(self, path: Path) -> None:
        if self.drops:
            os.chown(path, self.uid, self.gid)

    def can_run(self, program: Path, env: dict[str, str]) -> bool:
        return self.can_enter(program) and self._succeeds([str(program), "--version"], env)

    def can_enter(self, path: Path) -> bool:
        """Whether this user may pass through `path`, a folder or a program.

        A program is asked about first, because setpriv starts it with root's rights to the path, and it fails later.
        """
        return self._succeeds(["/usr/bin/test", "-x", str(path)], {}) if self.drops else os.access(path, os.X_OK)

    def _succeeds(self, argv: list[str], env: dict[str, str]) -> bool:
        try:
            done = subprocess.run(
                self.command(argv), env=env, capture_output=True, timeout=PROBE_S, cwd="/", check=False
            )
        except OSError:
            return False
        return done.returncode == 0


def choose(folder: DataFolder) -> Account:
    """The account for `folder`: ourselves, or as root the owner of its data, or the first candidate that exists."""
    if os.geteuid() != 0:
        return _ourselves()
    _setpriv()
    if folder.pg.exists() and (kept := folder.pg.stat()).st_uid != 0:
        return Account(kept.st_uid, kept.st_gid, drops=True)
    for name in CANDIDATES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_uid, found.pw_gid, drops=True)
    raise CannotStart(
        "PostgreSQL refuses to run as root, and none of the users " + ", ".join(CANDIDATES) + " exists.",
        "create one with `useradd --system countersign`, or set DATABASE_URL to a server of yours.",
    )


def _ourselves() -> Account:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError as error:
        raise CannotStart(
            f"The user number {os.geteuid()} has no entry in /etc/passwd, which PostgreSQL needs.",
            "start as a user with an entry, or set DATABASE_URL to a server of yours.",
        ) from error
    return Account(os.geteuid(), os.getegid(), drops=False)


def _setpriv() -> str:
    found = shutil.which("setpriv", path="/usr/bin:/bin:/usr/local/bin:/usr/sbin:/sbin")
    if found is None:
        raise CannotStart(
            "Started as root, but the program setpriv, which leaves root for the embedded servers, is missing.",
            "install util-linux, start as an ordinary user, or set DATABASE_URL and BROKER_URL.",
        )
    return found


def place(folder: DataFolder, account: Account) -> None:
    """Make sure that `account` reaches the folder of the servers; below a closed home they get one in /var/lib."""
    if account.can_enter(folder.services):
        return
    home = ELSEWHERE / f"countersign-{secrets.token_hex(4)}"
    try:
        home.mkdir()
        home.chmod(0o711)
        (folder.root / "services").symlink_to(home)
    except OSError as error:
        raise CannotStart(
            f"The embedded servers' user cannot reach {folder.root}, and {home} cannot be made: {error.strerror}.",
            "name a folder that others may pass through with --data-dir, for example /srv/countersign.",
        ) from error


def programs(package: str, inside: str, folder: DataFolder, account: Account, probe: str, env: dict[str, str]) -> Path:
    """The folder `inside` of an installed wheel, or of a copy when the environment is closed to `account`.

    A wheel's `<package>.libs` goes along, because its programs find it by relative path.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise CannotStart(
            f"The package {package} with the embedded server is not installed.",
            "install the requirements again, or set DATABASE_URL and BROKER_URL to servers of yours.",
        )
    site = Path(spec.origin).parent.parent
    if account.can_run(site / package / inside / probe, env):
        return site / package / inside
    copied = folder.services / "programs" / metadata.version(package.replace("_", "-"))
    if not account.can_run(copied / package / inside / probe, env):
        _copy(site, package, copied)
    if not account.can_run(copied / package / inside / probe, env):
        raise CannotStart(
            f"{copied / package / inside / probe} does not run here.",
            "this platform may lack a wheel of ours: set DATABASE_URL and BROKER_URL to servers of yours.",
        )
    return copied / package / inside


def _copy(site: Path, package: str, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in (package, f"{package}.libs"):
        if (site / name).is_dir():
            shutil.rmtree(target / name, ignore_errors=True)
            shutil.copytree(site / name, target / name, symlinks=True)
    for path in (target.parent, target, *target.rglob("*")):
        if not path.is_symlink():  # because a strict umask would close the copy to its user as well
            mode = path.stat().st_mode
            path.chmod(mode | 0o055 if mode & 0o100 else mode | 0o044)
