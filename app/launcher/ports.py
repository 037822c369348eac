"""Ports: is the wanted one free, and which free one an embedded server gets."""

from __future__ import annotations

import errno
import socket
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from app.launcher.errors import CannotStart


def require_free(host: str, port: int, option: str) -> None:
    """Raise CannotStart when nobody could listen on `host` and `port`."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise CannotStart(f"The address {host!r} is unknown.", "name one of this machine with --host.") from error
    with socket.socket(family, kind, proto) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)  # because two sockets may share a bind, but not a listen
        except OSError as error:
            raise CannotStart(*_why(error, host, port, option)) from error


def _why(error: OSError, host: str, port: int, option: str) -> tuple[str, str]:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is taken by another program.",
            f"stop that program, or choose another with {option}.",
        )
    if error.errno == errno.EACCES:
        return f"No permission to listen on port {port}.", f"choose a port of 1024 or more with {option}."
    return f"Nothing can listen on {host}:{port}: {error.strerror}.", "name an address of this machine with --host."


def free_port(wanted: int = 0) -> int:
    """`wanted` on loopback when it is free, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise CannotStart("No free port on 127.0.0.1.", "stop some programs and start again.")


def healthy(host: str, port: int, url: str = "") -> bool:
    """True when the process of ours that listens there says that it is well.

    `url` is the address that people use: asked under another name, or as if without TLS, web would refuse or redirect.
    """
    address = urlsplit(url)
    headers = {"Host": address.netloc or "127.0.0.1", "X-Forwarded-Proto": address.scheme or "http"}
    connection = HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers=headers)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
