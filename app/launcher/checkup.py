"""What `manage.py doctor` looks at on this machine: folder, programs, processes, keys. The database is beside it."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from kombu.exceptions import OperationalError
from nacl.encoding import Base64Encoder
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey

from app.celery import app as work
from app.launcher import keys as secrets
from app.launcher.folder import DataFolder, read_json
from app.launcher.leftovers import Ledger
from app.launcher.ports import healthy

LEAST_PYTHON, LEAST_GIT = (3, 11), (2, 25)
LEAST_SPACE = 2 * 1024**3  # bytes: a staged branch, a copied warehouse file and room to recover
NOT_KNOWN = "start with `manage.py up`, or set DATABASE_URL and BROKER_URL as its processes have them."
EXPECTED = ("gateway", "worker-diagnose", "worker-act", "worker-tell", "slack", "beat", "stream", "web")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `remedy` is empty when it is well."""

    part: str
    said: str
    remedy: str = ""

    @property
    def well(self) -> bool:
        return not self.remedy


Check = Callable[[DataFolder], Iterator[Finding]]


def python(folder: DataFolder) -> Iterator[Finding]:
    said = ".".join(str(part) for part in sys.version_info[:3])
    old = sys.version_info[:2] < LEAST_PYTHON
    yield Finding("python", said, "install Python 3.11 or later." if old else "")


def git(folder: DataFolder) -> Iterator[Finding]:
    program = shutil.which("git")
    if program is None:
        yield Finding("git", "not found", "install git (apt install git): code fixes are rehearsed on its branches.")
        return
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    found = re.search(r"(\d+)\.(\d+)", said)
    old = found is None or (int(found[1]), int(found[2])) < LEAST_GIT
    yield Finding("git", said, "install git 2.25 or later." if old else "")


def data_folder(folder: DataFolder) -> Iterator[Finding]:
    if not folder.root.is_dir():
        yield Finding("data folder", f"{folder.root} does not exist", "start once with `manage.py up`.")
        return
    free = shutil.disk_usage(folder.root).free
    short = "free some space: publishing stops when the disk is full." if free < LEAST_SPACE else ""
    yield Finding("disk", f"{free / 1024**3:.1f} GB free at {folder.root}", short)
    for path in (folder.secrets, folder.keys / "vault.private", folder.run / "environment.json"):
        if path.exists():
            mode = stat.S_IMODE(path.stat().st_mode)
            others = f"others can read it: chmod 600 {path}" if mode & 0o077 else ""
            yield Finding("permissions", f"{path.name} is {mode:04o}", others)


def processes(folder: DataFolder) -> Iterator[Finding]:
    alive = Ledger(folder).alive()
    if not alive:
        yield Finding("processes", "nothing runs on this data folder", "start with `manage.py up`.")
        return
    for name in EXPECTED:
        said = f"{name} runs (process {alive[name]})" if name in alive else f"{name} does not run"
        log = folder.logs / f"{name}.log"
        yield Finding("processes", said, "" if name in alive else f"read {log}; `up` starts it again by itself.")


def doors(folder: DataFolder) -> Iterator[Finding]:
    """Web, stream and gateway answer. Without a running `up` their addresses come from the settings in force."""
    names = {"web": "COUNTERSIGN_URL", "stream": "COUNTERSIGN_STREAM_URL", "gateway": "COUNTERSIGN_GATEWAY_URL"}
    running = read_json(folder.run / "environment.json")
    for part, variable in names.items():
        url = os.environ.get(variable) or running.get(variable, "")
        if not url:
            continue
        address = urlsplit(url)
        port = address.port or (443 if address.scheme == "https" else 80)
        well = address.scheme == "https" or healthy(address.hostname or "127.0.0.1", port)
        log = folder.logs / f"{part}.log"
        yield Finding(part, f"{url} {'answers' if well else 'does not answer'}", "" if well else f"read {log}.")


def broker(folder: DataFolder) -> Iterator[Finding]:
    if "BROKER_URL" not in os.environ:
        yield Finding("broker", "not known", NOT_KNOWN)
        return
    address = urlsplit(settings.BROKER_URL)
    shown = f"{address.scheme} at {address.hostname}:{address.port}"
    try:
        with work.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except (OperationalError, OSError) as error:
        remedy = "start with `manage.py up`, or check BROKER_URL and its server; work waits for it."
        yield Finding("broker", f"{shown} does not answer: {error}", remedy)
        return
    yield Finding("broker", f"{shown} answers")


def vault(folder: DataFolder) -> Iterator[Finding]:
    kept = secrets.read(folder)
    public = os.environ.get(secrets.VAULT_PUBLIC) or kept.get(secrets.VAULT_PUBLIC, "")
    file = folder.keys / "vault.private"
    private = os.environ.get(secrets.VAULT_PRIVATE) or (file.read_text().strip() if file.exists() else "")
    if not public or not private:
        missing = "public" if not public else "private"
        yield Finding("vault", f"the {missing} key is missing", f"put {file} and secrets.env back from a backup.")
        return
    try:
        fits = PrivateKey(private.encode(), Base64Encoder).public_key.encode(Base64Encoder).decode() == public
    except (CryptoError, ValueError):
        fits = False
    said = "the keys fit each other" if fits else "the private key does not open what the public one seals"
    yield Finding("vault", said, "" if fits else "put both back from one backup, or enter the credentials again.")


HERE: tuple[Check, ...] = (python, git, data_folder, processes, broker, doors, vault)
