"""Where we connect to: never to what tells a machine about itself, whatever its name resolves to.

A name is resolved once, checked, and connected to at the address that was checked, so that a second answer of its
name server changes nothing. Private networks and this machine are allowed: that is where data lives.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx

from integrations.errors import Refused, Unreachable

# Beside what is link-local: where clouds tell a machine its own credentials.
METADATA = {
    "metadata.google.internal",
    "metadata",
    "instance-data",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
}
WHY = "This address tells a machine about itself; nothing that we may ask answers there."


class ForbiddenAddress(httpx.ConnectError):
    """The name resolves to an address that tells a machine about itself."""


def is_forbidden(host: str) -> bool:
    """Of a name or an address as it is written; also as one number, in hexadecimal or octal, as resolvers read it."""
    host = host.strip("[]").rstrip(".").lower()
    if host in METADATA:
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        try:
            address = ip_address(socket.inet_aton(host))
        except OSError:
            return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_link_local or mapped.is_multicast or str(mapped) in METADATA)


def resolved(host: str, port: int) -> list[str]:
    """Its addresses, best first. Raises Refused when one of them is forbidden, Unreachable when there is none."""
    if is_forbidden(host):
        raise Refused(WHY)
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"The name {host} cannot be resolved.") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if any(is_forbidden(address) for address in addresses):
        raise Refused(f"{host} resolves to such an address. {WHY}")
    return addresses


def refuse(url: str) -> None:
    """For a library that connects by itself. Raises like `resolved`; says nothing of what has no host."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.hostname:
        resolved(parts.hostname, parts.port or 443)


class Checked(httpx.HTTPTransport):
    """Connects to the addresses that were checked; name and certificate stay those of the host.

    One host a client: connections are kept by address.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(trust_env=False, **options)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises ForbiddenAddress, or another ConnectError where no address takes the connection."""
        host, port = request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            addresses = resolved(host, port)
        except Refused as error:
            raise ForbiddenAddress(str(error), request=request) from error
        except Unreachable as error:
            raise httpx.ConnectError(str(error), request=request) from error
        request.extensions = {**request.extensions, "sni_hostname": host}
        for last, address in enumerate(addresses, 1):
            request.url = request.url.copy_with(host=address)
            try:
                return super().handle_request(request)
            except httpx.ConnectError:
                if last == len(addresses):
                    raise
        raise httpx.ConnectError(f"{host} has no address.", request=request)
