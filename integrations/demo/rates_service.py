"""The treasury's exchange rates over HTTP: 503 while its state file says that it is closed.

Until a time, which it tells by `Retry-After`; or outside of a daily window, of which it says nothing.

`python -m integrations.demo.rates_service --port 8123 --state rates.json`
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from integrations.demo import generate
from integrations.demo.serving import serve


class Rates(BaseHTTPRequestHandler):
    """GET /v1/quotes?date=YYYY-MM-DD. The state file holds `seed`, and as far as there is such a thing

    opens_at  epoch seconds until which it is closed
    window    {"from": "02:47", "to": "03:12"}: the time of day, UTC, at which alone it answers
    uplift    what each quote is multiplied with
    """

    def __init__(self, *args: object, state: Path, **options: object) -> None:
        self.state = state
        super().__init__(*args, **options)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        state = json.loads(self.state.read_text())
        wait = float(state.get("opens_at", 0)) - time.time()
        query = parse_qs(urlsplit(self.path).query).get("date", [""])[0]
        if wait > 0:
            self._closed(state["opens_at"], math.ceil(wait))
        elif not is_open(state.get("window"), datetime.now(UTC)):
            self._answer(503, {"error": "Service Unavailable", "message": "settlement is running"})
        elif not self.path.startswith("/v1/quotes") or not _is_date(query):
            self._answer(404, {"error": "ask for /v1/quotes?date=YYYY-MM-DD"})
        else:
            day = date.fromisoformat(query)
            uplift = Decimal(str(state.get("uplift", 1)))
            quotes = {code: str(quote) for code, quote in generate.quotes(state["seed"], day, uplift).items()}
            published = datetime.combine(day, generate.EXPORTED).isoformat()
            self._answer(200, {"date": query, "base": "USD", "published": published, "quotes": quotes})

    def _closed(self, opens_at: float, wait_s: int) -> None:
        opens = datetime.fromtimestamp(opens_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = f"quotes are being republished; the service opens at {opens}"
        self._answer(503, {"error": "Service Unavailable", "message": text}, {"Retry-After": str(wait_s)})

    def _answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the launcher's terminal belongs to its own lines."""


def is_open(window: Mapping[str, str] | None, now: datetime) -> bool:
    """Whether `now` is in the daily window; without one it always is."""
    if not window:
        return True
    start, end, at = window["from"], window["to"], now.astimezone(UTC).strftime("%H:%M")
    return start <= at < end if start < end else at >= start or at < end


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def server(port: int, state: Path) -> ThreadingHTTPServer:
    """A server bound to loopback; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(Rates, state=state))


if __name__ == "__main__":
    serve("rates_service", server, sys.argv[1:])
