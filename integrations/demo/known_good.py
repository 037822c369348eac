"""What production holds after a correct fix, by content: computed on a twin that lives the day without the fault."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path

from integrations.demo import breakage, build, generate, lake, rates_service, repository
from integrations.demo.lakehouse import Lakehouse
from integrations.demo.scheduler import daily_run, next_day

TREE = "git://pipeline/main"  # the key of the code: main's tree
MENDED_BY_CODE = ("column-renamed-upstream", "missing-ref")  # their fix may leave another tree than the one before


def state(lakehouse: Lakehouse) -> dict[str, str]:
    """Asset uri to the sha256 of its sorted rows, for raw tables and marts, and main's tree under `TREE`.

    Views are left out: they hold nothing of their own. Read from a copy, so that nobody is locked out.
    """
    found: dict[str, str] = json.loads(lake.tool(lakehouse, "contents"))
    return {**found, TREE: repository.tree(lakehouse.repo)}


def known_good(lakehouse: Lakehouse, fault: str) -> dict[str, str]:
    """What `state` is to be once `fault`, the last one injected, is fixed. Runs the twin's day on the first call.

    Where the fix may be made in the code, the code's tree is left out. Raises LookupError when nothing was injected.
    """
    kept = lakehouse.home / "twin.json"
    if not kept.exists():
        kept.write_text(json.dumps(_live(lakehouse, fault)))
    found: dict[str, str] = json.loads(kept.read_text())
    return {key: value for key, value in found.items() if key != TREE or fault not in MENDED_BY_CODE}


def fork(lakehouse: Lakehouse) -> None:
    """Set the twin aside before anything is broken: catalog, warehouse and repository are copied, data files shared."""
    home = lakehouse.home / "twin"
    shutil.rmtree(home, ignore_errors=True)
    (lakehouse.home / "twin.json").unlink(missing_ok=True)
    (home / "lake").mkdir(parents=True)
    shutil.copy(lakehouse.catalog, home / "lake")
    for path in (lakehouse.warehouse, lakehouse.environment_file, lakehouse.rates_state):
        shutil.copy(path, home)
    repository.git(None, "clone", "--quiet", "--bare", str(lakehouse.repo), str(home / "repo.git"))
    (home / "runs" / max(folder.name for folder in lakehouse.runs.iterdir())).mkdir(parents=True)


def _live(lakehouse: Lakehouse, fault: str) -> dict[str, str]:
    home = lakehouse.home / "twin"
    if not home.exists():
        raise LookupError("No fault was injected here, so there is no twin to compare with.")
    service = rates_service.server(0, home / lakehouse.rates_state.name)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    try:
        admin = lakehouse.crm_admin_dsn  # because the pipeline's own role may have lost its rights
        twin = replace(lakehouse, home=home, crm_dsn=admin, rates_port=int(service.server_address[1]))
        when = next_day(twin)
        run = daily_run(twin, prepare=_without_yen if fault == "yen-beside-dollars" else build.happen)
    finally:
        service.shutdown()
        service.server_close()
    if not run.ok:
        raise RuntimeError(f"The twin's day {when} failed: {run.jobs}, dbt {run.build}")
    return state(twin)


def _without_yen(twin: Lakehouse, when: date) -> None:
    """The day's payments but for those that were settled in yen: what is left once they are held."""
    breakage.pay_in_yen(twin, when)
    business, names = generate.day(twin.seed, when, twin.orders_a_day), twin.names
    kept = tuple(row for number, row in enumerate(business.payments) if number % breakage.YEN_EVERY)
    target: Path = twin.landing / when.isoformat() / f"{names('payments')}.parquet"
    generate.write(generate.table(kept, generate.SCHEMAS["payments"], names), target)
