"""One real table with a past of daily appends, and runs that report them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from django.utils import timezone

from incidents.models import Run
from integrations.iceberg.connector import Connector
from integrations.models import Connection
from integrations.ports import Wiring
from tests import factories

DAYS = 9


class Lake:
    def __init__(self, folder: Path) -> None:
        catalog = {"type": "sql", "uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"file://{folder}/lake"}
        config = {"namespace": "iceberg://hoard", "catalog": catalog}
        self.connection = Connection.objects.create(name="hoard", kind="iceberg", config=config)
        self.connector = Connector(Wiring("hoard", config, lambda name: "", lambda name: None, folder))
        self.asset = factories.asset("den.gold", "iceberg://hoard")
        self.job = factories.asset("dig", "jobs://mine", kind="job")
        self.number, self.rows = 0, 2400
        self.connector.catalog.create_namespace("den")
        self.table = self.connector.catalog.create_table("den.gold", schema=self.batch().schema)
        for _ in range(DAYS):
            self.add()

    def batch(self, places: tuple[str, ...] = ("cave", "hill")) -> pa.Table:
        first = self.number * self.rows
        names = [places[n % len(places)] for n in range(self.rows)]
        return pa.table(
            {
                "nugget_id": list(range(first, first + self.rows)),
                "place": names,
                "worth": [10.0 + n % 7 for n in range(self.rows)],
            }
        )

    def add(self, batch: pa.Table | None = None) -> None:
        self.connector.catalog.load_table("den.gold").append(self.batch() if batch is None else batch)
        self.number += 1

    def run(self, **fields: Any) -> Run:
        return Run.objects.create(
            connection=self.connection, external_id=f"run-{Run.objects.count()}", job=self.job, status="success",
            started_at=timezone.now(), finished_at=timezone.now(), outputs=[self.asset.pk], **fields,
        )  # fmt: skip
