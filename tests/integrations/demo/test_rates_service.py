"""The treasury's service: open, closed with a Retry-After, and open again at the time that it named."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
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


def test_outside_of_its_window_it_does_not_say_when_it_opens(url: str, state: Path) -> None:
    opens = datetime.now(UTC) + timedelta(hours=2)
    window = {"from": opens.strftime("%H:%M"), "to": (opens + timedelta(minutes=25)).strftime("%H:%M")}
    state.write_text(json.dumps({"seed": 5, "window": window}))
    answer = httpx.get(url)
    assert answer.status_code == 503
    assert "Retry-After" not in answer.headers
    assert answer.json() == {"error": "Service Unavailable", "message": "settlement is running"}


@pytest.mark.parametrize(
    ("start", "end", "now", "is_open"),
    [
        ("02:47", "03:12", "02:47", True), ("02:47", "03:12", "03:11", True), ("02:47", "03:12", "03:12", False),
        ("02:47", "03:12", "02:46", False), ("23:50", "00:15", "00:10", True), ("23:50", "00:15", "12:00", False),
    ],
)  # fmt: skip
def test_a_window_is_of_every_day_and_may_pass_midnight(start: str, end: str, now: str, is_open: bool) -> None:
    at = datetime.fromisoformat(f"2026-11-20T{now}:30+00:00")
    assert rates_service.is_open({"from": start, "to": end}, at) is is_open


def test_rates_can_be_raised_by_a_tenth(url: str, state: Path) -> None:
    usual = httpx.get(url).json()["quotes"]
    state.write_text(json.dumps({"seed": 5, "uplift": "1.1"}))
    raised = httpx.get(url).json()["quotes"]
    assert all(abs(float(raised[code]) / float(usual[code]) - 1.1) < 1e-5 for code in usual)


def test_anything_but_a_date_is_not_found(url: str) -> None:
    assert httpx.get(url.replace("2026-03-01", "yesterday")).status_code == 404
