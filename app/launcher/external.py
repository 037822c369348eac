"""A database server of yours instead of the embedded one: checked, and divided into two roles where we may."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

from app.launcher import grants
from app.launcher.errors import CannotStart

LEAST_VERSION = 150000  # PostgreSQL 15, as server_version_num counts
CONNECT_S = 5


@dataclass(frozen=True)
class Database:
    """Where processes and migrations connect. `app_role` is empty when both are one role: weaker, and said so."""

    app_url: str
    owner_url: str
    app_role: str
    name: str


def divide(url: str, owner_url: str, app_password: str) -> Database:
    """Check the server behind `url` and make the application role there when `owner_url` is empty and we may.

    Raises CannotStart when it does not answer, is too old, or has no pg_trgm.
    """
    owner = owner_url or url
    with _connect(owner) as connection:
        _require_fit(connection)
        name = connection.info.dbname
        if owner_url:
            user = urlsplit(url).username or ""
            return Database(url, owner, user if user != connection.info.user else "", name)
        if not grants.may_make_roles(connection):
            return Database(url, owner, "", name)
        grants.make_role(connection, grants.APP, app_password)
        grants.allow_connect(connection, name, [grants.APP])
    app_url = with_user(url, grants.APP, app_password)
    _connect(app_url).close()
    return Database(app_url, owner, grants.APP, name)


def with_user(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{address}"))


def without_password(url: str) -> str:
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=user + parts.netloc.rpartition("@")[2], query=""))


def _connect(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(url, connect_timeout=CONNECT_S, autocommit=True)
    except psycopg.Error as error:
        said = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise CannotStart(
            f"The database at {without_password(url)} does not answer: {said}",
            "check DATABASE_URL (postgresql://user:password@host:5432/name), the server and its pg_hba.conf.",
        ) from error


def _require_fit(connection: psycopg.Connection) -> None:
    if connection.info.server_version < LEAST_VERSION:
        raise CannotStart(
            f"The server is PostgreSQL {connection.info.server_version // 10000}; 15 is the oldest that works.",
            "upgrade it, or unset DATABASE_URL to use the embedded one.",
        )
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except psycopg.Error as error:
        raise CannotStart(
            f"The extension pg_trgm is missing and cannot be made: {str(error).strip()}",
            "ask the server's administrator to run: CREATE EXTENSION pg_trgm;",
        ) from error
