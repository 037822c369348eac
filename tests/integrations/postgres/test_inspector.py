"""A real database with a real role that loses a real grant."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from integrations.errors import PermissionDenied, Refused, Unreachable
from integrations.ports import Wiring
from integrations.postgres.connector import Connector
from integrations.values import AssetRef, Predicate
from tests.server import embedded_postgres

DEALS = AssetRef("postgres://crm", "public.deals")
ALL = Predicate((("deal_id", ">=", 0),))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = embedded_postgres(Path(tempfile.mkdtemp(prefix="countersign-crm-")))
    url = server.url("postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE crm_owner")
        connection.execute("CREATE ROLE pipeline LOGIN PASSWORD 'pipeline'")
        connection.execute("CREATE TABLE deals (deal_id bigint PRIMARY KEY, contact text, amount numeric(12,2))")
        connection.execute("ALTER TABLE deals OWNER TO crm_owner")
        connection.execute("COMMENT ON TABLE deals IS 'Owned by Carla'")
        connection.execute("INSERT INTO deals VALUES (1, 'a@shop.example', 10.5), (2, NULL, 20)")
    yield url
    server.stop()


@pytest.fixture
def crm(address: str) -> Connector:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("GRANT SELECT ON deals TO pipeline")
    place = urlsplit(address)
    dsn = f"postgresql://pipeline:pipeline@{place.hostname}:{place.port}{place.path}"
    return connected(dsn)


def connected(dsn: str) -> Connector:
    return Connector(Wiring("crm", {"namespace": "postgres://crm"}, lambda name: dsn, str, Path()))


def test_columns_are_read(crm: Connector) -> None:
    assert [(c.name, c.type) for c in crm.schema(DEALS)] == [
        ("deal_id", "bigint"),
        ("contact", "text"),
        ("amount", "numeric(12,2)"),
    ]


def test_comments_on_columns_are_read_and_cut_between_words(crm: Connector, address: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("COMMENT ON COLUMN deals.amount IS 'In cents'")
        connection.execute(f"COMMENT ON COLUMN deals.contact IS '{'word ' * 58}password-that-is-long'")
    assert [c.comment for c in crm.schema(DEALS)] == ["", f"{'word ' * 57}word …", "In cents"]


def test_grants_name_the_owner_and_who_may_what(crm: Connector) -> None:
    grants = crm.grants(DEALS)
    assert (grants.owner, grants.comment, grants.me, grants.may_read) == (
        "crm_owner",
        "Owned by Carla",
        "pipeline",
        True,
    )
    assert grants.roles["pipeline"] == ("SELECT",) and "DELETE" in grants.roles["crm_owner"]


def test_grants_are_read_by_a_role_that_lost_its_own(crm: Connector, address: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("REVOKE SELECT ON deals FROM pipeline")
    grants = crm.grants(DEALS)
    assert not grants.may_read and "pipeline" not in grants.roles
    assert crm.schema(DEALS)
    with pytest.raises(PermissionDenied, match="permission denied for table deals"):
        crm.sample(DEALS, ALL)


def test_a_sample_covers_addresses_and_needs_a_predicate(crm: Connector) -> None:
    assert crm.sample(DEALS, ALL)[0] == {"deal_id": 1, "contact": "•••@shop.example", "amount": "10.50"}
    assert crm.sample(DEALS, Predicate((("contact", "is null", None), ("deal_id", "in", [2, 3]))))[0]["deal_id"] == 2
    with pytest.raises(Refused):
        crm.sample(DEALS, Predicate())


def test_nothing_can_be_written(crm: Connector) -> None:
    with crm._open() as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute("CREATE TABLE other (a int)")


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql:///base",
        "host=/tmp dbname=base",
        "host=a,b dbname=base",
        "host=a service=other",
        "host=a passfile=/etc/passwd",
        "host=a sslkey=/etc/key",
        "host=a hostaddr=169.254.169.254",
        "host=a options='-c default_transaction_read_only=off'",
        "not an address",
    ],
)
def test_an_address_that_could_reach_something_else_is_refused(dsn: str) -> None:
    with pytest.raises(Refused):
        connected(dsn).schema(DEALS)


def test_a_wrong_password_is_said_without_repeating_it(crm: Connector, address: str) -> None:
    place = urlsplit(address)
    wrong = connected(f"postgresql://pipeline:s3cret-word@{place.hostname}:{place.port}{place.path}")
    with pytest.raises(Unreachable):
        wrong.schema(DEALS)
    assert not wrong.test().ok and "s3cret" not in str(wrong.test())
    assert crm.test().ok


def test_a_table_that_is_not_there_is_refused(crm: Connector) -> None:
    with pytest.raises(Refused, match="no table"):
        crm.schema(AssetRef("postgres://crm", "public.none"))


def test_a_profile_is_computed_by_the_server(crm: Connector, address: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS sales (sale_id int, sold_on date, place text, worth float8)")
        connection.execute(
            "INSERT INTO sales SELECT n, date '2026-11-01' + n / 10, (ARRAY['cave', 'hill', NULL])[1 + n % 3], n % 7 "
            "FROM generate_series(0, 99) AS n UNION ALL SELECT 99, NULL, 'hill', float8 'NaN'"
        )
        connection.execute("GRANT SELECT ON sales TO pipeline")
    found = crm.profile(AssetRef("postgres://crm", "public.sales"))
    assert (found.rows, found.duplicates) == (101, {"sale_id": 1})
    assert found.columns["place"]["categories"] == {"cave": 34 / 101, "hill": 34 / 101}
    assert round(found.columns["place"]["nulls"], 3) == round(33 / 101, 3)
    assert (found.columns["worth"]["p50"], found.columns["worth"]["max"]) == (3.0, 6.0)
    assert found.totals["*"]["2026-11-10"] == 10 and len(found.totals["worth"]) == 10


def test_a_profile_of_no_rows_and_of_a_table_that_may_not_be_read(crm: Connector, address: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bare (a int, b jsonb)")
        connection.execute("REVOKE ALL ON bare FROM pipeline")
        with pytest.raises(PermissionDenied):
            crm.profile(AssetRef("postgres://crm", "public.bare"))
        connection.execute("GRANT SELECT ON bare TO pipeline")
    assert (crm.profile(AssetRef("postgres://crm", "public.bare")).rows) == 0
