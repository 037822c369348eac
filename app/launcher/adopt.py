"""Commands beside a running `up` (`manage.py demo run`, `user add`, ...) speak to the servers that it started."""

from __future__ import annotations

import os
from pathlib import Path

from app.launcher.folder import DataFolder, read_json
from app.launcher.keys import VAULT_PRIVATE
from app.launcher.plan import BASE

OWN_SERVERS = ("up", "backup", "restore")  # these look at the data folder themselves
OPENS_VAULT = ("demo",)  # because it runs the demo's jobs as worker-act would


def adopt_environment(argv: list[str]) -> None:
    """Take the environment of the `up` that runs on our data folder.

    A process that was given its keys (every child of `up`, or one of yours) keeps what it has. Without a running `up`,
    or without permission to read its environment, nothing changes.
    """
    command = argv[1] if len(argv) > 1 else ""
    if command in OWN_SERVERS or "COUNTERSIGN_SECRET_KEY" in os.environ:
        return
    folder = DataFolder(Path(os.environ.get("COUNTERSIGN_DATA_DIR", BASE / ".countersign")).absolute())
    try:
        if not folder.held():
            return
        running = read_json(folder.run / "environment.json")
        if running and command in OPENS_VAULT:
            running[VAULT_PRIVATE] = (folder.keys / "vault.private").read_text().strip()
    except (PermissionError, FileNotFoundError):
        return
    os.environ.update(running)
