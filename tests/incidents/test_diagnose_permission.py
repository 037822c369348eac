from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from app.core.audit import Actor
from app.core.models import User
from incidents.diagnose import diagnose
from integrations import connections
from integrations.values import AssetRef
from knowledge.annotations import annotate
from tests import factories
from tests.gateway_fixture import gateway
from tests.incidents.diagnosing import World

__all__ = ["gateway"]
ROLE = "reader_of_deals"
TABLES = f"""
drop schema if exists sales cascade; create schema sales; drop role if exists {ROLE};
create table sales.deals (id int); create table sales.accounts (id int);
comment on table sales.deals is 'Closed deals. Owner: Carla Reyes <carla@crm.example>';
create role {ROLE} login password 'only-a-test'; grant usage on schema sales to {ROLE};
grant select on sales.accounts to {ROLE};
"""


@pytest.fixture
def crm(postgres_dsn: str) -> Iterator[str]:
    """A role that may read the accounts and not the deals; its address."""
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        for statement in TABLES.split(";\n"):
            admin.execute(statement.encode())
        parts = conninfo_to_dict(postgres_dsn)
        yield f"postgresql://{ROLE}:only-a-test@{parts['host']}:{parts['port']}/{parts['dbname']}"
        admin.execute(f"drop schema sales cascade; drop role {ROLE}".encode())


def test_the_object_the_role_and_the_owner_come_from_the_engine(
    tmp_path: Path, gateway: None, crm: str, operator: User
) -> None:
    world = World(tmp_path)
    connections.create("crm", "postgres", {"namespace": "postgres://crm"}, {"dsn": crm})
    job = world.asset("jobs", "ingest_deals", kind="job")
    deals = world.asset("jobs", "raw.deals", job)
    for name in ("sales.deals", "sales.accounts"):
        job.edges_up.create(upstream=factories.asset(name, "postgres://crm"))
    annotate(AssetRef("postgres://crm", "sales.deals"), "Carla is away on Fridays.", by=operator,
             actor=Actor.of(operator), source="web")  # fmt: skip
    said = "psycopg.errors.InsufficientPrivilege: permission denied for table deals"
    incident = world.failure(deals, said, job=job)
    made = diagnose(incident)
    incident.refresh_from_db()
    assert made is not None and (made.failure_class, made.subtype) == ("infrastructure", "permission_denied")
    assert incident.root_asset.ref.uri == "postgres://crm/sales.deals"
    assert made.facts["grant"] == f'GRANT SELECT ON "sales"."deals" TO "{ROLE}"'
    assert made.facts["owner"] == {"name": "Carla Reyes", "email": "carla@crm.example"}
    assert incident.evidence.get(kind="grants").body["may_read"] is False
    assert incident.evidence.get(label="K1").trust == "human"
    assert any("K1" in claim["cites"] for claim in made.claims)
