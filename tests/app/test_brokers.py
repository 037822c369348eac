"""A bell through each broker that an installation may have, heard by the worker that the product starts."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from app.core import canary
from tests.processes import ROOT, environment, stop

HEARD_S = 120.0  # usual is five; the machine may be busy
CELERY = (sys.executable, "-m", "celery", "-A", "app")
WORKER = (*CELERY, "worker", "-Q", "act,diagnose,tell", "-P", "prefork", "-c", "1", "-l", "WARNING", "--without-mingle")


def missing(words: str) -> None:
    pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A database number of its own, emptied before and after."""
    url = "redis://127.0.0.1:6379/14"
    with redis.Redis.from_url(url) as server:
        try:
            server.flushdb()
        except redis.ConnectionError:
            missing("No Redis at 127.0.0.1:6379. On Debian: apt install redis-server")
        yield url
        server.flushdb()


@pytest.fixture
def rabbitmq_url() -> Iterator[str]:
    """A virtual host of its own, removed afterwards."""
    name = f"countersign-test-{secrets.token_hex(4)}"
    try:
        control("add_vhost", name)
    except (OSError, subprocess.SubprocessError):
        missing("No RabbitMQ that rabbitmqctl may command. On Debian, as root: apt install rabbitmq-server")
    try:
        control("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        yield f"amqp://guest:guest@127.0.0.1:5672/{name}"
    finally:
        control("delete_vhost", name)


def control(*arguments: str) -> None:
    subprocess.run(["rabbitmqctl", "-q", *arguments], check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("broker", ["redis_url", "rabbitmq_url"])
def test_a_bell_is_heard_on_both_queues(
    broker: str, request: pytest.FixtureRequest, tmp_path: Path, transactional_db: None
) -> None:
    env = environment(BROKER_URL=request.getfixturevalue(broker))
    log = tmp_path / "worker.log"
    with log.open("wb") as out:
        worker = subprocess.Popen(WORKER, cwd=ROOT, env=env, stdout=out, stderr=out, start_new_session=True)
    try:
        rung = subprocess.run([*CELERY, "call", "app.tasks.canary"], cwd=ROOT, env=env, capture_output=True, text=True)
        assert rung.returncode == 0, rung.stderr
        end = time.monotonic() + HEARD_S
        while canary.silent() and worker.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        assert canary.silent() == [], log.read_text()[-2000:]
    finally:
        stop(worker)
