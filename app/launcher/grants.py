"""Two roles: the owner migrates, the application role works. It can add to the audit trail and never change it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import psycopg
from psycopg import sql

OWNER, APP, CRM = "countersign_owner", "countersign_app", "crm_owner"
DATABASE, CRM_DATABASE = "countersign", "crm"
AUDIT_TABLES = ("core_auditrecord", "core_auditseal")
READ_ONLY_TABLES = ("django_migrations",)


def grant_statements(tables: Iterable[str], role: str = APP) -> list[sql.Composed]:
    """The statements that give `role` what the processes need on `tables`, and no more.

    Run them in one transaction as the owner of the tables, after every migration; running them again changes nothing.
    """
    name = sql.Identifier(role)
    statements = [
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name),
        sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(name),
        sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(name),
        sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(name),
    ]
    present = set(tables)
    for table in AUDIT_TABLES:
        if table in present:
            statements.append(
                sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(sql.Identifier(table), name)
            )
    for table in READ_ONLY_TABLES:
        if table in present:
            statements.append(
                sql.SQL("REVOKE INSERT, UPDATE, DELETE ON {} FROM {}").format(sql.Identifier(table), name)
            )
    return statements


def grant(dsn: str, role: str = APP) -> None:
    """Apply `grant_statements` over `dsn`, which must belong to the owner of the tables."""
    with psycopg.connect(dsn) as connection:
        for statement in grant_statements(tables(connection), role):
            connection.execute(statement)


def tables(connection: psycopg.Connection) -> list[str]:
    found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return [row[0] for row in found]


def excess(connection: psycopg.Connection, role: str) -> list[str]:
    """What `role` may do to the audit tables beyond adding and reading, as `UPDATE on core_auditrecord`."""
    found = []
    for table in sorted(set(AUDIT_TABLES) & set(tables(connection))):
        for privilege in ("UPDATE", "DELETE", "TRUNCATE"):
            row = connection.execute(
                "SELECT has_table_privilege(%s, %s, %s)", (role, f"public.{table}", privilege)
            ).fetchone()
            if row and row[0]:
                found.append(f"{privilege} on {table}")
    return found


def may_make_roles(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user").fetchone()
    return bool(row and row[0])


def make_role(connection: psycopg.Connection, role: str, password: str, extra: str = "") -> None:
    """Make `role` or set its password. `extra` is one of our own constants such as CREATEROLE."""
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    verb = "ALTER" if known else "CREATE"
    statement = sql.SQL("{} ROLE {} LOGIN " + extra + " PASSWORD {}")
    connection.execute(statement.format(sql.SQL(verb), sql.Identifier(role), sql.Literal(password)))


def make_database(connection: psycopg.Connection, name: str, owner: str) -> None:
    """Make the database `name` for `owner`, closed to everybody else. The connection must be in autocommit."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner)))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))


def allow_connect(connection: psycopg.Connection, name: str, roles: Sequence[str]) -> None:
    for role in roles:
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), sql.Identifier(role))
        )


def printable(database: str, found: Iterable[str]) -> str:
    """The SQL that a database administrator runs where we may not, ready to paste. The password is theirs to choose."""
    lines = [f"CREATE ROLE {APP} LOGIN PASSWORD '...';", f'GRANT CONNECT ON DATABASE "{database}" TO {APP};']
    lines += [statement.as_string(None) + ";" for statement in grant_statements(found)]
    return "\n".join(lines)
