"""The API of a cluster over HTTP: few calls, none of them followed elsewhere, and no answer that shows the key."""

from __future__ import annotations

import json
import ssl
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from app.core.redact import MASK
from integrations.addresses import Checked, ForbiddenAddress
from integrations.errors import IntegrationError, PermissionDenied, Refused, SecretUnavailable, Unreachable
from integrations.ports import Wiring
from integrations.values import Json

TIMEOUT_S = 15.0
LARGEST = 4_000_000  # bytes of one answer


class Missing(Refused):
    """The cluster has no such thing."""


class Taken(Refused):
    """The cluster has one of that name already."""


class Client:
    """Calls within one namespace of one cluster, with the connection's key.

    The key goes into `Authorization`, or into the header that a note names for this host.
    """

    def __init__(self, wiring: Wiring) -> None:
        url = str(wiring.config["url"]).rstrip("/")
        self.host, self.within = urlsplit(url).netloc, str(wiring.config.get("within") or "default")
        header, entry = wiring.header or ("Authorization", "key")
        self._key = wiring.secret(entry).strip()
        if not self._key or not self._key.isascii() or not self._key.isprintable():
            raise SecretUnavailable(f"The key of {wiring.name} cannot be sent in a header.")
        value = f"Bearer {self._key}" if header.lower() == "authorization" else self._key
        ca = str(wiring.config.get("ca") or "")
        verify: Any = ssl.create_default_context(cafile=ca) if ca else True
        self._http = httpx.Client(
            base_url=url,
            headers={header: value},
            timeout=TIMEOUT_S,
            transport=Checked(verify=verify),
            trust_env=False,
        )

    def core(self, *parts: str) -> str:
        return self._path("/api/v1", *parts)

    def batch(self, *parts: str) -> str:
        return self._path("/apis/batch/v1", *parts)

    def get(self, path: str, **query: str) -> Json:
        return _object(self.text(path, **query))

    def text(self, path: str, **query: str) -> str:
        return self._call("GET", path, query=query)

    def post(self, path: str, body: Json) -> Json:
        return _object(self._call("POST", path, body=body))

    def delete(self, path: str, body: Json) -> None:
        self._call("DELETE", path, body=body)

    # --- private ---------------------------------------------------------------------------------------------

    def _path(self, api: str, *parts: str) -> str:
        return "/".join([api, "namespaces", quote(self.within, safe=""), *(quote(part, safe="") for part in parts)])

    def _call(self, method: str, path: str, *, query: Json | None = None, body: Json | None = None) -> str:
        try:
            with self._http.stream(method, path, params=query, json=body) as answer:
                text = self._covered(_read(answer))
        except ForbiddenAddress as error:
            raise Refused(str(error)) from error
        except httpx.HTTPError as error:
            raise Unreachable(f"The cluster at {self.host} did not answer: {type(error).__name__}.") from error
        if not answer.is_success:
            raise self._error(answer, text)
        return text

    def _covered(self, text: str) -> str:
        """Without the key, also where a log repeats what it was sent."""
        return text.replace(self._key, MASK)

    def _error(self, answer: httpx.Response, text: str) -> IntegrationError:
        status, said = answer.status_code, _message(text)
        where = f"The cluster at {self.host} answered {status}{f' ({said})' if said else ''}"
        if status in (401, 403):
            return PermissionDenied(f"{where}: it does not let us in.")
        if status in (404, 409):
            return (Missing if status == 404 else Taken)(f"{where}.")
        if status == 429 or status >= 500:
            wait = answer.headers.get("Retry-After", "")
            return Unreachable(f"{where}.", retry_after_s=float(wait) if wait.isdigit() else None)
        return Refused(f"{where}.")


def _read(answer: httpx.Response) -> str:
    found = bytearray()
    for part in answer.iter_bytes():
        found += part
        if len(found) > LARGEST:
            raise Refused(f"The cluster's answer has more than {LARGEST} bytes.")
    return found.decode(errors="replace")


def _object(text: str) -> Json:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Refused("The cluster did not answer in JSON: is this its address?") from error
    return found if isinstance(found, dict) else {}


def _message(text: str) -> str:
    """Of a Status object (Kubernetes API, meta/v1)."""
    try:
        found = json.loads(text)
    except ValueError:
        return ""
    return str(found.get("message", ""))[:300] if isinstance(found, dict) else ""
