"""The shop's CRM: a PostgreSQL database of its own, with a login role that the pipeline reads with."""

from __future__ import annotations

import secrets

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from integrations.demo.generate import ACCOUNTS, SEGMENTS, Day
from integrations.demo.names import Names

TABLES = """
create table public.accounts (account_id bigint primary key, account_name text not null, segment text not null);
create table public.deals (deal_id bigint primary key, account_id bigint not null references public.accounts,
  stage text not null, deal_usd numeric(14, 2) not null, closed_on date not null, exported_at timestamp not null);
comment on table public.accounts is 'Customers of the sales team. Owner: Carla Reyes <carla.reyes@shop.example>';
comment on table public.deals is 'Closed deals. Owner: Carla Reyes <carla.reyes@shop.example>';
"""


def create(admin_dsn: str, suffix: str, names: Names) -> tuple[str, str, str]:
    """Make the database `crm_<suffix>` anew and its pipeline role.

    Returns (admin's address of it, the role's address, the role's name).
    """
    database, role, password = f"crm_{suffix}", f"pipeline_{suffix}", secrets.token_urlsafe(24)
    drop(admin_dsn, suffix)
    with psycopg.connect(admin_dsn, autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(database)))
        statement = sql.SQL("create role {} login password {}").format(sql.Identifier(role), sql.Literal(password))
        server.execute(statement)
    inside = make_conninfo(admin_dsn, dbname=database)
    with psycopg.connect(inside, autocommit=True) as crm:
        crm.execute(names.text(TABLES).encode())
        with crm.cursor().copy(names.text("copy public.accounts from stdin")) as rows:
            for number in range(1, ACCOUNTS + 1):
                rows.write_row((number, f"Account {number:03}", SEGMENTS[number % len(SEGMENTS)]))
        for table in ("accounts", "deals"):
            crm.execute(_right("grant select on {} to {}", names(table), role))
    return _url(inside), _url(make_conninfo(inside, user=role, password=password)), role


def drop(admin_dsn: str, suffix: str) -> None:
    """Remove the database and its role, if they are there."""
    with psycopg.connect(admin_dsn, autocommit=True) as server:
        name, role = sql.Identifier(f"crm_{suffix}"), sql.Identifier(f"pipeline_{suffix}")
        server.execute(sql.SQL("drop database if exists {} with (force)").format(name))
        server.execute(sql.SQL("drop role if exists {}").format(role))


def add_deals(admin_dsn: str, business: Day, names: Names) -> None:
    """The day's deals are closed in the CRM; those of a day that is there already stay."""
    with psycopg.connect(admin_dsn) as crm:
        query = names.text("select 1 from public.deals where closed_on = %s limit 1").encode()
        if crm.execute(query, [business.date]).fetchone() is None:
            columns = "deal_id, account_id, stage, deal_usd, closed_on, exported_at"
            with crm.cursor().copy(names.text(f"copy public.deals ({columns}) from stdin")) as rows:
                for row in business.deals:
                    rows.write_row(row)


def revoke(admin_dsn: str, table: str, role: str) -> None:
    with psycopg.connect(admin_dsn) as crm:
        crm.execute(_right("revoke select on {} from {}", table, role))


def grant(admin_dsn: str, table: str, role: str) -> None:
    with psycopg.connect(admin_dsn) as crm:
        crm.execute(_right("grant select on {} to {}", table, role))


def _right(statement: str, table: str, role: str) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier("public", table), sql.Identifier(role))


def _url(conninfo: str) -> str:
    """As a URL, which every client reads."""
    parts = conninfo_to_dict(conninfo)
    login = "".join([str(parts.get("user", "")), f":{parts['password']}" if parts.get("password") else ""])
    return f"postgresql://{login}@{parts.get('host', '127.0.0.1')}:{parts.get('port', 5432)}/{parts['dbname']}"
