"""How each fault is done. Every function is one real change; none of it is known outside the demo."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from integrations.demo import build, cluster, crm, generate, heal, lake, repository
from integrations.demo.lakehouse import Lakehouse
from integrations.demo.reporting import Attempt, run_event
from integrations.demo.scheduler import SCHEDULED, Shift, run_job, tell

YEN_EVERY = 12  # one payment in so many is settled in yen
YEN = Decimal(150)  # yen for a dollar
LOW_MEMORY = "112MB"
OPENS_AFTER_S = 20
OPENS_IN = timedelta(seconds=45)  # at the earliest: after the day's run, which must find it closed
OPEN_FOR = timedelta(minutes=25)
UPLIFT = "1.1"
LEDGER_OWNER = {"name": "Platform Finance", "email": "platform-finance@shop.example"}
HELD_FOR_S = 25
HOLDER = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1])
sys.stdout.write("held\\n")
sys.stdout.flush()
time.sleep(float(sys.argv[2]))
"""


def _nothing(subject: Lakehouse | Shift) -> None:
    """Not every fault has something to do at every moment of a day."""


@dataclass(frozen=True)
class Break:
    """What happens before the day, instead of the day's ordinary business, and between the jobs and dbt."""

    before: Callable[[Lakehouse], None] = _nothing
    prepare: Callable[[Lakehouse, date], object] = build.happen
    between: Callable[[Shift], None] = _nothing


def pay_in_yen(lakehouse: Lakehouse, when: date) -> None:
    business = build.happen(lakehouse, when)
    paid = tuple(_in_yen(row) if n % YEN_EVERY == 0 else row for n, row in enumerate(business.payments))
    names = lakehouse.names
    target = lakehouse.landing / when.isoformat() / f"{names('payments')}.parquet"
    generate.write(generate.table(paid, generate.SCHEMAS["payments"], names), target)


def overwrite_sheet(lakehouse: Lakehouse, when: date) -> None:
    """Somebody pasted over the planning sheet: its export has a heading and no lines, and every load goes well."""
    build.happen(lakehouse, when)
    sheet = lakehouse.landing / when.isoformat() / f"{lakehouse.names('planning_sheet')}.csv"
    sheet.write_text(sheet.read_text().partition("\n")[0] + "\n")


def _in_yen(row: generate.Row) -> generate.Row:
    return (*row[:3], "JPY", (Decimal(str(row[4])) * YEN).quantize(Decimal(1)), *row[5:])


def load_twice(shift: Shift) -> None:
    run_job(shift, shift.lakehouse.names("ingest_orders"), again="-manual")


def rename_column(lakehouse: Lakehouse) -> None:
    """From now on the export has the new name, too."""
    names = lakehouse.names
    old, new = names("customer_id"), names("customer_ref")
    lake.tool(lakehouse, "rename", f"raw.{names('orders')}", old, new)
    lakehouse.renames_file.write_text(json.dumps({old: new}))


def merge_badly(lakehouse: Lakehouse) -> None:
    text = lakehouse.names.text

    def edit(folder: Path) -> None:
        model = folder / "dbt/models/marts" / f"{text('revenue_by_channel')}.sql"
        _replace(model, "        when 'web' then 'Web shop'\n", "        when 'web' then 'Web store'\n")
        _replace(model, text("    end as channel_label,\n"), text("    as channel_label,\n"))
        _replace(folder / "README.md", "# Shop pipeline\n", "# Shop pipeline\n\nLabels follow the style guide.\n")

    repository.change(lakehouse.repo, "Tidy the channel labels", repository.ADAEZE, edit, lakehouse.home / "edit")


def remove_model(lakehouse: Lakehouse) -> None:
    def edit(folder: Path) -> None:
        (folder / "dbt/models/intermediate" / f"{lakehouse.names.text('int_customer_orders')}.sql").unlink()
        _replace(folder / "README.md", "Questions:", "Questions and ideas:")

    repository.change(lakehouse.repo, "Remove a model nobody uses", repository.JONAS, edit, lakehouse.home / "edit")


def shrink_memory(lakehouse: Lakehouse) -> None:
    heal.set_memory(lakehouse, LOW_MEMORY)


def revoke_grant(lakehouse: Lakehouse) -> None:
    crm.revoke(lakehouse.crm_admin_dsn, lakehouse.names("deals"), lakehouse.crm_role)


def close_rates(lakehouse: Lakehouse) -> None:
    _tell_rates(lakehouse, opens_at=int(time.time()) + OPENS_AFTER_S)


def keep_hours(lakehouse: Lakehouse) -> None:
    """From now on the service answers in one window a day, the next of them soon, and tells nobody of it."""
    opens = (datetime.now(UTC) + OPENS_IN + timedelta(seconds=59)).replace(second=0, microsecond=0)
    window = {"from": opens.strftime("%H:%M"), "to": (opens + OPEN_FOR).strftime("%H:%M")}
    _tell_rates(lakehouse, window=window)


def raise_rates(lakehouse: Lakehouse) -> None:
    """Finance adds 10 % to every rate on purpose, so that sales in other currencies count for more."""
    _tell_rates(lakehouse, uplift=UPLIFT)


def _tell_rates(lakehouse: Lakehouse, **state: object) -> None:
    known = json.loads(lakehouse.rates_state.read_text())
    lakehouse.rates_state.write_text(json.dumps({**known, **state}))


def strand_ledger(shift: Shift) -> None:
    """The job of the ledger runs in the cluster and loses its machine; the scheduler knows only that it failed."""
    lakehouse, name, began = shift.lakehouse, shift.lakehouse.names("ledger"), datetime.now(UTC)
    cluster.strand(lakehouse.cluster_state, name)
    told = Attempt(name, f"{name}-{shift.date.isoformat()}", datetime.combine(shift.date, SCHEDULED), shift.commit, "",
                   LEDGER_OWNER, namespace=cluster.SPACE)  # fmt: skip
    tell(shift, run_event(told, "START", began))
    error = f"{name}: its pod ended without a result, see the log in the cluster"
    tell(shift, run_event(told, "FAIL", datetime.now(UTC), error=error))


def hold_lock(shift: Shift) -> None:
    """A process of its own, which outlives this one and ends by itself."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(shift.lakehouse.warehouse), str(HELD_FOR_S)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        env=shift.lakehouse.environment(),
    )  # fmt: skip
    if holder.stdout is None or holder.stdout.readline() != "held\n":
        raise RuntimeError("the warehouse's lock could not be taken")


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if old not in text:
        raise ValueError(f"{path.name} has no {old.strip()!r} to break")
    path.write_text(text.replace(old, new))
