"""What keeps a start from happening is said in a sentence with a remedy."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.launcher import keys, leftovers
from app.launcher.errors import CannotStart
from app.launcher.folder import DataFolder, write_private
from app.launcher.plan import BASE
from app.launcher.ports import require_free
from app.launcher.valkey import require_safe_broker

OPEN = "import pathlib, sys; from app.launcher.folder import DataFolder as D; D(pathlib.Path(sys.argv[1])).open()"


def test_a_taken_port_is_named_with_the_option_that_changes_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"Port {port} .* taken") as caught:
            require_free("127.0.0.1", port, "--port")
    assert "--port" in caught.value.remedy


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CannotStart, match=r"192\.0\.2\.1"):
        require_free("192.0.2.1", 8000, "--port")


def test_a_file_is_no_data_folder(folder: DataFolder) -> None:
    folder.root.write_text("")
    with pytest.raises(CannotStart, match="is a file"):
        folder.open()


def test_a_folder_with_other_files_is_left_alone(folder: DataFolder) -> None:
    folder.root.mkdir()
    (folder.root / "thesis.txt").write_text("mine")
    with pytest.raises(CannotStart, match=r"thesis\.txt"):
        folder.open()
    assert sorted(path.name for path in folder.root.iterdir()) == ["thesis.txt"]


def test_two_starts_on_one_folder_are_refused(folder: DataFolder) -> None:
    with folder.open(), pytest.raises(CannotStart, match=f"process {os.getpid()}"):
        folder.open()
    folder.open().close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_folder_of_somebody_else_is_explained(folder: DataFolder) -> None:
    folder.open().close()
    interpreter = shutil.which("python3", path="/usr/bin")
    assert interpreter, "this test needs an interpreter that everybody may run"
    program = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", interpreter, "-c", OPEN, str(folder.root)]
    said = subprocess.run(program, cwd=BASE, capture_output=True, text=True, env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert "CannotStart: No permission for" in said.stderr, said.stderr


def test_secrets_are_kept_private_and_the_same(folder: DataFolder) -> None:
    with folder.open():
        first = keys.load(folder)
        again = keys.load(folder)
    assert first.shared() == again.shared() and first.vault_private == again.vault_private
    assert first.vault_private not in first.shared().values()
    for path in (folder.secrets, folder.keys / "vault.private"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_data_without_its_secrets_is_not_given_new_ones(folder: DataFolder) -> None:
    with folder.open():
        folder.pg.mkdir()
        (folder.pg / "PG_VERSION").write_text("18\n")
        with pytest.raises(CannotStart, match=r"secrets\.env is missing"):
            keys.load(folder)
    assert not folder.secrets.exists()


def test_a_lost_vault_key_is_not_replaced(folder: DataFolder) -> None:
    with folder.open():
        keys.load(folder)
        (folder.keys / "vault.private").unlink()
        with pytest.raises(CannotStart, match=r"vault\.private is missing"):
            keys.load(folder)


@pytest.mark.parametrize(
    "url", ["sqla+sqlite:///q.db", "filesystem://", "memory://", "db+postgresql://x/y", "kafka://x"]
)
def test_brokers_that_lose_messages_are_refused(url: str) -> None:
    with pytest.raises(CannotStart, match="BROKER_URL"):
        require_safe_broker(url)


@pytest.mark.parametrize("url", ["redis://h:1/0", "rediss://h:1/0", "amqp://u:p@h//", "valkey://h:1/0"])
def test_brokers_that_keep_messages_are_taken(url: str) -> None:
    require_safe_broker(url)


def test_what_a_killed_start_left_is_ended_and_strangers_are_not(folder: DataFolder) -> None:
    sleep = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
    with folder.open():
        ours, stranger = (subprocess.Popen(sleep, start_new_session=True) for _ in range(2))
        ledger = {"web": {"pid": ours.pid, "born": leftovers.born(ours.pid)}, "old": {"pid": stranger.pid, "born": "1"}}
        write_private(folder.run / "processes.json", json.dumps(ledger))
        assert leftovers.clear(folder) == ["web"]
        assert ours.wait(5) < 0
        assert stranger.poll() is None
        stranger.kill()
        stranger.wait(5)


def test_a_stale_lock_of_a_dead_database_is_removed(folder: DataFolder) -> None:
    with folder.open():
        folder.pg.mkdir()
        Path(folder.pg / "postmaster.pid").write_text(f"{os.getpid()}\n{folder.pg}\n")
        leftovers.clear(folder)
        assert not (folder.pg / "postmaster.pid").exists()
