"""How fast pages are at the size of years: a scratch database, seeded by SQL, asked through the whole middleware."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse

from app.bench.result import Result
from app.core.models import User
from approvals.plan import Plan, Step
from incidents.models import Asset
from integrations.models import Connection

DATABASE = "countersign_bench"
PLAIN_STATIC = {
    **settings.STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
LIMIT_MS = 150  # p95 of a page at the server
WARM_UP, ROUNDS = 5, 60  # requests per page, before and while the clock runs

SEED = Path(__file__).with_name("pages.sql")
ASSETS = 500


@dataclass(frozen=True)
class Timing:
    page: str
    p50_ms: float
    p95_ms: float
    queries: int
    queries_small: int

    @property
    def is_constant(self) -> bool:
        return self.queries == self.queries_small


def bench(incidents: int) -> Result:
    """Every page with so many incidents and ten events for each, in a database of its own."""
    with scratch():
        timings = measure(max(2_000, incidents))
    rows = tuple(
        f"{one.page:14} p50 {one.p50_ms:7.1f} ms  p95 {one.p95_ms:7.1f} ms  {one.queries} queries, "
        + ("constant" if one.is_constant else f"GROWS from {one.queries_small}")
        for one in timings
    )
    pages = [{**asdict(one), "constant": one.is_constant} for one in timings]
    report = {"incidents": incidents, "events": incidents * 10, "limit_ms": LIMIT_MS, "pages": pages}
    slow = tuple(f"{one.page} is slower than {LIMIT_MS} ms at p95." for one in timings if one.p95_ms > LIMIT_MS)
    grows = tuple(f"The queries of {one.page} grow with history." for one in timings if not one.is_constant)
    return Result(rows, report, slow + grows)


@contextmanager
def scratch() -> Iterator[None]:
    """A database of our own on the same server, migrated, and dropped at the end."""
    before = settings.DATABASES["default"]["NAME"]
    connection.settings_dict.setdefault("TEST", {})["NAME"] = DATABASE
    # As the pool of the web process does; a connection per request would be most of what is measured.
    connection.settings_dict["CONN_MAX_AGE"] = None
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)


def measure(incidents: int, small: int = 1000) -> list[Timing]:
    """Time every page with `incidents` rows, and compare its number of queries with that for `small`."""
    Connection.objects.create(pk=1, name="dbt-prod", kind="dbt")
    Connection.objects.create(pk=2, name="hooks", kind="webhook")
    tables = [Asset(pk=n, namespace="duckdb://bench", name=f"raw.table_{n}") for n in range(1, ASSETS + 1)]
    Asset.objects.bulk_create(tables)
    user = User.objects.create_user("bench", roles=["approver", "auditor", "administrator"])
    seed(1, small)
    few = {page: _cost(user, page, small)[1] for page in pages(small)}
    seed(small + 1, incidents)
    timings = []
    for page in pages(incidents):
        taken, queries = _cost(user, page, incidents)
        cuts = quantiles(taken, n=20)
        timings.append(Timing(page, round(cuts[9], 1), round(cuts[18], 1), queries, few[page]))
    return timings


def seed(first: int, last: int) -> None:
    values: dict[str, int | str] = {"first": first, "last": last, "plan": json.dumps(_plan().as_json())}
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_auditrecord DISABLE TRIGGER USER")  # nobody listens to a seed
        for statement in SEED.read_text().split(";\n"):
            if statement.strip():
                cursor.execute(statement, values)
        cursor.execute("ALTER TABLE core_auditrecord ENABLE TRIGGER USER")
        cursor.execute("ANALYZE")


def pages(last: int) -> dict[str, list[str]]:
    """Page to its addresses: of incidents, some that are old and some that are new."""
    numbers = [*range(1, last, max(1, last // 20)), last]
    return {
        "inbox": [reverse("incidents"), f"{reverse('incidents')}?class=data"],
        "inbox_history": [
            f"{reverse('incidents')}?status=all",
            f"{reverse('incidents')}?status=resolved&before={last // 2}",
        ],
        "inbox_search": [f"{reverse('incidents')}?status=all&q=orders_{last // 2}"],
        "incident": [reverse("incident", args=[number]) for number in numbers],
        "proposal": [reverse("proposal", args=[number]) for number in numbers],
        "approvals": [reverse("approvals")],
        "audit": [reverse("audit")],
    }


def _cost(user: User, page: str, last: int) -> tuple[list[float], int]:
    """Milliseconds of each round, and the most queries of one."""
    addresses, taken, most = pages(last)[page], [], 0
    with override_settings(STORAGES=PLAIN_STATIC):
        client = Client(SERVER_NAME="127.0.0.1")
        client.force_login(user)
        for round_ in range(WARM_UP + ROUNDS):
            address = addresses[round_ % len(addresses)]
            start = time.perf_counter()
            answer = client.get(address, secure=settings.HTTPS)
            if round_ >= WARM_UP:
                taken.append((time.perf_counter() - start) * 1000)
            if answer.status_code != 200:
                raise RuntimeError(f"{address} answered {answer.status_code}")
        for address in addresses[:5]:
            with CaptureQueriesContext(connection) as queries:
                client.get(address, secure=settings.HTTPS)
            most = max(most, len(queries))
    return taken, most


def _plan() -> Plan:
    steps: Any = [Step("fork", "Branch", "staging", "lake", {"assets": []}, "quarantine")]
    steps.append(Step("publish", "Publish", "production", "lake", {"assets": []}, "quarantine"))
    return Plan(
        "quarantine", "Hold rows", "A value never seen.", 1, "duckdb://bench/raw.table_1", tuple(steps), "undo", ()
    )
