"""The nine faults, three that only who knows can tell, one that a person must mend: real changes, with their truth.

`inject` makes the change and runs the next day's pipeline, so that the fault is seen the way it would be seen anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from integrations.demo import breakage, cluster, heal, known_good, repository
from integrations.demo.breakage import Break
from integrations.demo.lakehouse import Lakehouse
from integrations.demo.reporting import Door
from integrations.demo.scheduler import DailyRun, daily_run, next_day
from integrations.values import AssetRef


@dataclass(frozen=True)
class Fault:
    """One entry of the list. `root` is the asset at fault, in the demo's default names."""

    name: str
    failure_class: str
    action: str
    subtype: str
    root: AssetRef
    what_really_happens: str
    look_at: str
    cause: Break


@dataclass(frozen=True)
class Truth:
    """What was done, for a person to read and for a test to compare with."""

    fault: str
    failure_class: str
    action: str
    root_asset: AssetRef
    subtype: str
    what_really_happens: str
    look_at: str
    date: date
    # Head of main before and after the injection; different only where code was the cause.
    commit_before: str
    commit_after: str
    run: DailyRun


def _lake(table: str) -> AssetRef:
    return AssetRef("iceberg://lake", table)


def _model(relation: str) -> AssetRef:
    return AssetRef("duckdb://warehouse", relation)


_FAULTS = (
    Fault("yen-beside-dollars", "data", "quarantine", "unknown_category", _lake("raw.payments"),
          "The payment provider began to settle some payments in Japanese yen. Columns and types hold, no test fails; "
          "yen have no rate, so they count as dollars.",
          "Revenue of the day in revenue_daily is many times the usual.", Break(prepare=breakage.pay_in_yen)),
    Fault("duplicate-load", "data", "patch_data", "duplicate_keys", _lake("raw.orders"),
          "Somebody ran the load of the orders a second time by hand, under another key, and the batch is in twice.",
          "The unique test on the orders fails.", Break(between=breakage.load_twice)),
    Fault("column-renamed-upstream", "data", "update_schema_mapping", "schema", _lake("raw.orders"),
          "The shop renamed a column of the orders, in its export and in the table.",
          "The staging model of the orders no longer finds its column.",
          Break(before=breakage.rename_column)),
    Fault("bad-merge", "code", "rollback", "syntax", _model("main.revenue_by_channel"),
          "A commit that says it only tidies labels lost a word of a case expression.",
          "revenue_by_channel does not build.", Break(before=breakage.merge_badly)),
    Fault("missing-ref", "code", "rollback", "missing_ref", _model("main.customer_value"),
          "A commit removed a model that another one still refers to.",
          "dbt stops before it runs anything, and leaves only its log.", Break(before=breakage.remove_model)),
    Fault("out-of-memory", "infrastructure", "rerun_with_parameters", "memory", _model("main.revenue_bounds"),
          "The engine's memory limit in the scheduler's settings is too low for today's data.",
          "revenue_bounds ends in an out of memory error.", Break(before=breakage.shrink_memory)),
    Fault("permission-revoked", "infrastructure", "ask_owner", "permission", AssetRef("postgres://crm", "public.deals"),
          "The pipeline's role lost its right to read the deals in the CRM.",
          "The job that loads the deals is refused.", Break(before=breakage.revoke_grant)),
    Fault("flaky-api", "transient", "retry_later", "unavailable", _lake("raw.rates"),
          "The rates service answers 503 until it opens, 20 s after the break.",
          "The job that loads the rates fails.", Break(before=breakage.close_rates)),
    Fault("lock-conflict", "transient", "retry", "lock", AssetRef("dbt://shop", "build"),
          "Another process holds the warehouse file for 25 s.",
          "dbt cannot open the warehouse.", Break(between=breakage.hold_lock)),
)  # fmt: skip
# What is right here no system says: a note does, and without it the story ends otherwise.
_TACIT = (
    Fault("retry-window", "transient", "retry_later", "unavailable", _lake("raw.rates"),
          "The rates service answers in a window of 25 minutes a day and 503 outside of it, and says nothing of that.",
          "The job that loads the rates fails. With its note the retry waits for the window; without it nobody knows.",
          Break(before=breakage.keep_hours)),
    Fault("expected-jump", "data", "close_as_expected", "unusual_total", _lake("raw.rates"),
          "Finance adds 10 % to the rates on purpose, so that sales in other currencies count for more.",
          "The total of the rates jumps. With its note that is expected; without it a person has to look.",
          Break(before=breakage.raise_rates)),
    Fault("key-header", "infrastructure", "retry", "worker_lost", AssetRef(cluster.SPACE, "ledger"),
          "A job in the cluster lost its machine; its pod is stuck. The cluster's key belongs under another header.",
          "The ledger failed. With its note the pod is read and the job runs again; without it nobody gets in.",
          Break(between=breakage.strand_ledger)),
)  # fmt: skip
# What no machine can mend: the rows are with a person, and `heal.mend` is that person doing what was asked.
_ASKED = (
    Fault(heal.SHEET, "data", "ask_owner", "empty_input", _lake("raw.planning_sheet"),
          "Somebody pasted over the planning sheet. Its load goes well and brings no rows; plan_vs_actual goes stale.",
          "No check fails; the newest day is missing in the plan.", Break(prepare=breakage.overwrite_sheet)),
)  # fmt: skip
ASKED: dict[str, Fault] = {fault.name: fault for fault in _ASKED}
FAULTS: dict[str, Fault] = {fault.name: fault for fault in _FAULTS}
TACIT: dict[str, Fault] = {fault.name: fault for fault in _TACIT}


def inject(
    lakehouse: Lakehouse, name: str, *, door: Door | None = None, ready: Callable[[], object] = lambda: None
) -> Truth:
    """Break the lakehouse and run its next day. What an earlier fault left is put right first.

    `ready` is called once the cause is there and nothing ran yet. Raises KeyError for an unknown fault.
    """
    fault = {**FAULTS, **TACIT, **ASKED}[name]
    heal.heal(lakehouse)
    when, before = next_day(lakehouse), repository.head(lakehouse.repo)
    known_good.fork(lakehouse)
    heal.remember(lakehouse, name, when)
    fault.cause.before(lakehouse)
    ready()
    run = daily_run(lakehouse, door=door, prepare=fault.cause.prepare, between=fault.cause.between)
    after = repository.head(lakehouse.repo)
    root = AssetRef(fault.root.namespace, lakehouse.names.text(fault.root.name))
    return Truth(name, fault.failure_class, fault.action, root, fault.subtype, fault.what_really_happens, fault.look_at,
                 when, before, after, run)  # fmt: skip


def save(truth: Truth, folder: Path) -> None:
    """Keep the truth as JSON, for tests that run in another process."""
    values = {
        **asdict(truth),
        "date": truth.date.isoformat(),
        "run": {"jobs": truth.run.jobs, "build": truth.run.build},
    }
    (folder / "truth.json").write_text(json.dumps(values, indent=1))
