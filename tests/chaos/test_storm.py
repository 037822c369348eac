"""Bars 1 and 3 over HTTP: two hundred approvals are one execution, and each refusal has its status and its record."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection
from django.db.models.functions import Now

from app.accounts import tokens
from app.core.models import ApiToken, AuditRecord, User
from approvals.models import Decision, Execution, Proposal
from tests.approvals.light import CHANGED_CODE, DATA, RERUN, STORY, Light, proposal
from tests.chaos.pack import ROOT, Pack, free_port

CONNECTIONS = 20
SERVED_S = 60.0


@pytest.fixture
def site(tmp_path: Path, pack: Pack) -> Iterator[str]:
    """The product's own web server, in processes of its own, beside real workers."""
    port = free_port()
    command = (sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port))
    environment = {**pack.environment(), "COUNTERSIGN_DB_POOL": "1", "COUNTERSIGN_URL": f"http://127.0.0.1:{port}"}
    environment["COUNTERSIGN_DECIDE_BY_TOKEN"] = "1"
    with (tmp_path / "web.log").open("wb") as out:
        web = subprocess.Popen(
            [*command, "--blocking-threads", "10", "app.wsgi:application"],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=out,
        )
    try:
        _serves(f"http://127.0.0.1:{port}", tmp_path / "web.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        web.terminate()
        web.wait(timeout=20)


def _serves(url: str, log: Path) -> None:
    end = time.monotonic() + SERVED_S
    while time.monotonic() < end:
        try:
            if httpx.get(f"{url}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(log.read_text()[-2000:])


def _token(user: User, *scopes: str) -> str:
    text = f"token-of-{user.username}-{'-'.join(scopes)}"
    ApiToken.objects.create(
        user=user, name="t", digest=tokens.digest(text), prefix=text[:8], scopes=list(scopes), expires_at=_tomorrow()
    )
    return text


def _tomorrow() -> Any:
    return Now() + timedelta(days=1)


def _post(client: httpx.Client, url: str, made: Proposal, token: str, **words: str) -> httpx.Response:
    body = {"decision": "approve", "fingerprint": made.fingerprint, **words}
    where = f"{url}/api/v1/proposals/{made.pk}/decisions"
    return client.post(where, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def _storm(url: str, made: Proposal, token: str, times: int) -> Counter[int]:
    """All at once over CONNECTIONS kept connections."""

    def one(_: int) -> list[int]:
        with httpx.Client() as client:
            return [_post(client, url, made, token).status_code for _ in range(times // CONNECTIONS)]

    with ThreadPoolExecutor(CONNECTIONS) as people:
        return Counter(status for answers in people.map(one, range(CONNECTIONS)) for status in answers)


def _is_done(made: Proposal) -> bool:
    return Proposal.objects.filter(pk=made.pk, status="done").exists()


def _check_storm(world: Light, pack: Pack, site: str, approver: User, times: int) -> None:
    table = f"raw.t{world.number}"
    world.table(table)
    made = proposal(world, STORY, table=table)
    commits, runs = world.commits(), len(world.ran())
    answers = _storm(site, made, _token_once(approver), times)
    assert answers == Counter({409: times - 1, 201: 1})
    pack.until(lambda: _is_done(made), "the fix")
    assert Execution.objects.filter(proposal=made).count() == Decision.objects.filter(proposal=made).count() == 1
    assert (world.snapshots(table), world.commits(), len(world.ran())) == (2, commits + 1, runs + 1)
    denied = AuditRecord.objects.filter(event="decision.denied", correlation=made.incident.number)
    assert denied.count() == times - 1


def _token_once(user: User) -> str:
    text = f"token-of-{user.username}-read-decide"
    return text if ApiToken.objects.filter(digest=tokens.digest(text)).exists() else _token(user, "read", "decide")


def test_forty_approvals_over_http_are_one_execution_and_refusals_have_their_status(
    world: Light, pack: Pack, site: str, approver: User, viewer: User
) -> None:
    _check_storm(world, pack, site, approver, 40)
    _check_refusals(world, site, approver, viewer)


@pytest.mark.chaos
def test_two_hundred_approvals_over_twenty_connections_are_one_execution(
    world: Light, pack: Pack, site: str, approver: User
) -> None:
    for _ in range(5):
        _check_storm(world, pack, site, approver, 200)


def _check_refusals(world: Light, site: str, approver: User, viewer: User) -> None:
    signer, reader = _token_once(approver), _token(approver, "read")
    cases: list[tuple[str, int, str, dict[str, str], Callable[[Proposal], object]]] = [
        ("old fingerprint", 409, signer, {"fingerprint": "0" * 64}, lambda made: None),
        ("moved base", 409, signer, {}, lambda made: world.move_lake()),
        ("its editor", 403, signer, {}, lambda made: _edit(made, approver)),
        ("a viewer", 403, _token(viewer, "read", "decide"), {}, lambda made: None),
        ("no scope", 403, reader, {}, lambda made: None),
        ("after expiry", 410, signer, {}, _expire),
        ("no reason", 422, signer, {"decision": "reject"}, lambda made: None),
    ]
    with httpx.Client() as client:
        for name, status, token, words, change in cases:
            made = proposal(world, (DATA, RERUN) if name == "moved base" else (CHANGED_CODE,))
            change(made)
            before = AuditRecord.objects.filter(outcome="denied").count()
            answer = _post(client, site, made, token, **words)
            assert (name, answer.status_code) == (name, status), answer.text
            assert AuditRecord.objects.filter(outcome="denied").count() == before + 1, name
            assert not Execution.objects.filter(proposal=made).exists()
    connection.close()


def _edit(made: Proposal, by: User) -> None:
    Proposal.objects.filter(pk=made.pk).update(editors=[by.pk])


def _expire(made: Proposal) -> None:
    Proposal.objects.filter(pk=made.pk).update(expires_at=Now() - timedelta(seconds=1))
