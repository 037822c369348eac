"""What a name resolves to is checked, and what was checked is what is connected to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from integrations.addresses import Checked, ForbiddenAddress, is_forbidden, refuse, resolved
from integrations.errors import Refused, Unreachable
from integrations.iceberg.connector import Connector as Lake
from integrations.kubernetes.client import Client
from integrations.ports import Wiring
from integrations.postgres.connector import Connector as Postgres

BAD = ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "224.0.0.1", "100.100.100.200", "fd00:ec2::254"]


class Names:
    """A name server that answers what it is told, one answer after the other."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, host: str, port: int, **more: Any) -> list[Any]:
        found = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Names]:
    """Names that resolve as a test wants, in this process; nothing else knows such names."""

    def answers(*given: list[str]) -> Names:
        names, real = Names(*given), socket.getaddrinfo
        monkeypatch.setattr(
            socket, "getaddrinfo",
            lambda host, *a, **k: names(host, a[0], **k) if str(host).endswith(".example") else real(host, *a, **k),
        )  # fmt: skip
        return names

    return answers


@pytest.fixture
def server() -> Iterator[tuple[int, list[str]]]:
    heard: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers["Host"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *said: Any) -> None:
            """Quiet."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made.server_address[1], heard
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize("address", BAD)
def test_a_name_of_a_forbidden_address_is_refused_wherever_it_is_connected_to(
    say: Callable[..., Names], tmp_path: Path, address: str
) -> None:
    say(["127.0.0.1", address])
    assert is_forbidden(address)
    with pytest.raises(Refused, match="resolves to such an address"):
        resolved("data.example", 80)
    with httpx.Client(transport=Checked()) as http, pytest.raises(ForbiddenAddress):
        http.get("http://data.example/")
    url = {"namespace": "k8s://a", "url": "http://data.example:6443"}
    with pytest.raises(Refused, match="such an address"):
        Client(Wiring("a", url, lambda name: "key", str, tmp_path)).get("/api")
    dsn = "postgresql://me:x@data.example/base"
    assert (
        "such an address" in Postgres(Wiring("a", {"namespace": "p"}, lambda name: dsn, str, tmp_path)).test().message
    )
    lake = {"namespace": "iceberg://a", "catalog": {"type": "rest", "uri": "http://data.example/catalog"}}
    assert "such an address" in Lake(Wiring("a", lake, str, str, tmp_path)).test().message


def test_it_connects_to_what_was_checked_and_asks_once(
    say: Callable[..., Names], server: tuple[int, list[str]]
) -> None:
    """The second answer of the name server would be the metadata of the machine."""
    port, heard = server
    names = say(["127.0.0.1"], ["169.254.169.254"])
    with httpx.Client(transport=Checked()) as http:
        assert http.get(f"http://data.example:{port}/").status_code == 200
    assert names.asked == 1 and heard == [f"data.example:{port}"]


def test_another_address_is_tried_where_the_first_does_not_answer(
    say: Callable[..., Names], server: tuple[int, list[str]]
) -> None:
    say(["127.0.0.2", "127.0.0.1"])
    with httpx.Client(transport=Checked()) as http:
        assert http.get(f"http://data.example:{server[0]}/").status_code == 200


def test_a_name_that_nobody_knows_is_unreachable_and_what_has_no_host_is_no_address(say: Callable[..., Names]) -> None:
    with pytest.raises(Unreachable):
        resolved("nobody.invalid", 80)
    refuse("s3://bucket/path")
    refuse("file:///srv/lake")
