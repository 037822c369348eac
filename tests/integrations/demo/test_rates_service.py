"""The treasury's service: open, closed with a Retry-After, and open again at the time that it named."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from integrations.demo import rates_service


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "rates.json"
    path.write_text(json.dumps({"seed": 5}))
    return path


@pytest.fixture
def url(state: Path) -> Iterator[str]:
    service = rates_service.server(0, state)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{service.server_address[1]}/v1/quotes?date=2026-03-01"
    service.shutdown()
    service.server_close()


def test_an_open_service_quotes_the_day(url: str) -> None:
    body = httpx.get(url).raise_for_status().json()
    assert body["date"] == "2026-03-01"
    assert set(body["quotes"]) == {"EUR", "GBP", "CHF"}


def test_a_closed_service_says_when_it_opens(url: str, state: Path) -> None:
    state.write_text(json.dumps({"seed": 5, "opens_at": time.time() + 20}))
    answer = httpx.get(url)
    assert answer.status_code == 503
    assert 18 <= int(answer.headers["Retry-After"]) <= 20
    assert "opens at 20" in answer.json()["message"]


def test_it_opens_at_that_time_by_itself(url: str, state: Path) -> None:
    state.write_text(json.dumps({"seed": 5, "opens_at": time.time() + 0.3}))
    assert httpx.get(url).status_code == 503
    time.sleep(0.4)
    assert httpx.get(url).status_code == 200


def test_anything_but_a_date_is_not_found(url: str) -> None:
    assert httpx.get(url.replace("2026-03-01", "yesterday")).status_code == 404
