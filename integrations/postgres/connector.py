"""PostgreSQL: schemas, owners and grants; read only, and quick to give up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import conninfo, sql
from psycopg.rows import dict_row

from integrations.addresses import resolved
from integrations.duckdb.masking import masked
from integrations.errors import IntegrationError, PermissionDenied, Refused, Unreachable, Unsupported
from integrations.ports import Wiring
from integrations.postgres.profile import profile
from integrations.untrusted import comment
from integrations.values import AssetRef, Column, Commit, Health, Json, Predicate, Profile, Version

CONNECT_S = 5  # seconds
PORT = 5432
STATEMENT_MS = 10_000  # milliseconds
# Others make libpq read files, run on sockets or follow services that nobody allowed.
_ALLOWED = {"host", "port", "dbname", "user", "password", "sslmode", "application_name"}
_OPERATORS = {"=": sql.SQL("="), ">=": sql.SQL(">="), "<": sql.SQL("<")}


@dataclass(frozen=True)
class Grants:
    """Who may do what with a table."""

    owner: str
    comment: str
    # Role to its privileges, for example {"pipeline": ("SELECT",)}.
    roles: dict[str, tuple[str, ...]]
    # The role that this connection uses, and whether it may read the table.
    me: str
    may_read: bool


class Connector:
    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.namespace = str(wiring.config["namespace"])

    def test(self) -> Health:
        try:
            with self._open() as connection:
                row = connection.execute("SELECT current_user AS me, current_database() AS base").fetchone() or {}
        except IntegrationError as error:
            return Health(False, f"Could not sign in: {error}", "Check the address, the role and its password.")
        return Health(True, f"Signed in to {row['base']} as {row['me']}.")

    def schema(self, asset: AssetRef, version: str = "") -> tuple[Column, ...]:
        if version:
            raise Unsupported("PostgreSQL keeps no earlier versions of a table.")
        query = (
            "SELECT attname AS name, format_type(atttypid, atttypmod) AS type, "
            "col_description(attrelid, attnum) AS comment FROM pg_attribute "
            "WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        with self._open() as connection:
            rows = connection.execute(query, [self._oid(connection, asset)]).fetchall()
        return tuple(Column(row["name"], row["type"], comment=comment(row["comment"])) for row in rows)

    def sample(self, asset: AssetRef, predicate: Predicate, limit: int = 20) -> tuple[Json, ...]:
        condition, values = _where(predicate)
        statement = sql.SQL("SELECT * FROM {} WHERE {} LIMIT {}").format(_table(asset), condition, sql.Literal(limit))
        with self._open() as connection:
            return tuple(masked(row) for row in connection.execute(statement, values).fetchall())

    def grants(self, asset: AssetRef) -> Grants:
        """Read from the catalog, which everybody may read: works for a role that may not read the table itself."""
        query = """
            SELECT pg_get_userbyid(c.relowner) AS owner, coalesce(obj_description(c.oid, 'pg_class'), '') AS comment,
                   current_user AS me, has_table_privilege(c.oid, 'SELECT')
                       AND has_schema_privilege(c.relnamespace, 'USAGE') AS may_read
            FROM pg_class c WHERE c.oid = %s"""
        listed = """
            SELECT CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END AS role,
                   a.privilege_type AS may
            FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
            WHERE c.oid = %s ORDER BY 1, 2"""
        with self._open() as connection:
            oid = self._oid(connection, asset)
            row = connection.execute(query, [oid]).fetchone() or {}
            roles: dict[str, tuple[str, ...]] = {}
            for entry in connection.execute(listed, [oid]).fetchall():
                roles[entry["role"]] = (*roles.get(entry["role"], ()), entry["may"])
        return Grants(row["owner"], row["comment"], roles, row["me"], row["may_read"])

    def versions(self, asset: AssetRef, limit: int = 60) -> tuple[Version, ...]:
        raise Unsupported("PostgreSQL keeps no earlier versions of a table.")

    def profile(self, asset: AssetRef, version: str = "", *, increment: bool = False) -> Profile:
        """Of the table as it is, within the statement's time limit; of a large one from a sample of its blocks."""
        if version or increment:
            raise Unsupported("PostgreSQL keeps no earlier versions of a table.")
        given = dict(self.wiring.config.get("keys") or {}).get(asset.name)
        columns = self.schema(asset)
        with self._open() as connection:
            oid = self._oid(connection, asset)
            return profile(connection, oid, _table(asset), columns, [given] if given else ())

    def changes(self, paths: Sequence[str], limit: int = 20) -> tuple[Commit, ...]:
        raise Unsupported("A database has no commits of code.")

    def read_file(self, path: str, version: str = "") -> str:
        raise Unsupported("A database has no files of code.")

    # --- private ---------------------------------------------------------------------------------------------

    @contextmanager
    def _open(self) -> Iterator[psycopg.Connection[dict[str, Any]]]:
        """A read-only session. Errors carry the server's words, never the address."""
        options = f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_MS} -c lock_timeout=2000"
        try:
            with psycopg.connect(
                **_checked(_restricted(self.wiring.secret("dsn"))),
                connect_timeout=CONNECT_S,
                options=options,
                autocommit=True,
                row_factory=dict_row,
            ) as connection:
                yield connection
        except psycopg.errors.InsufficientPrivilege as error:
            raise PermissionDenied(_words(error)) from error
        except psycopg.OperationalError as error:
            raise Unreachable(_words(error)) from None
        except psycopg.Error as error:
            raise Refused(_words(error)) from error

    def _oid(self, connection: psycopg.Connection[dict[str, Any]], asset: AssetRef) -> int:
        """From the catalog and not by a cast to regclass, which a role without USAGE on the schema is denied."""
        schema, _, name = asset.name.rpartition(".")
        query = (
            "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE nspname = %s AND relname = %s"
        )
        row = connection.execute(query, [schema or "public", name]).fetchone()
        if row is None:
            raise Refused(f"The database has no table {asset.name!r}.")
        return int(row["oid"])


def _restricted(dsn: str) -> dict[str, Any]:
    """Raises `Refused` for every parameter that is not on the list, without repeating its value."""
    try:
        given = conninfo.conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise Refused("The address is not one that PostgreSQL understands.") from None
    if unknown := sorted(set(given) - _ALLOWED):
        raise Refused(f"The address may not set {', '.join(unknown)}.")
    host = str(given.get("host", ""))
    if not host or "," in host or host.startswith(("/", "@")):
        raise Refused("The address must name one host.")
    return dict(given)


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    """With the addresses that its name has now; the name stays the one that a certificate must be for."""
    port = str(given.get("port") or PORT)
    addresses = resolved(str(given["host"]), int(port) if port.isdecimal() else 0)
    hosts = ",".join([str(given["host"])] * len(addresses))
    return {**given, "host": hosts, "hostaddr": ",".join(addresses)}


def _table(asset: AssetRef) -> sql.Identifier:
    schema, _, name = asset.name.rpartition(".")
    return sql.Identifier(schema or "public", name)


def _where(predicate: Predicate) -> tuple[sql.Composable, list[Any]]:
    if not predicate.conditions:
        raise Refused("A predicate without conditions selects no rows.")
    parts: list[sql.Composable] = []
    values: list[Any] = []
    for name, operator, value in predicate.conditions:
        if operator == "is null":
            parts.append(sql.SQL("{} IS NULL").format(sql.Identifier(name)))
        elif operator == "in":
            parts.append(sql.SQL("{} = ANY(%s)").format(sql.Identifier(name)))
            values.append(list(value))
        elif operator in _OPERATORS:
            parts.append(sql.SQL("{} {} %s").format(sql.Identifier(name), _OPERATORS[operator]))
            values.append(value)
        else:
            raise Refused(f"There is no operator {operator!r}.")
    return sql.SQL(" AND ").join(parts), values


def _words(error: psycopg.Error) -> str:
    if error.diag.message_primary:
        return error.diag.message_primary
    return "The server did not answer, or refused the role or its password."
