"""A lakehouse from nothing: real history, real commits, restartable, and healthy day after day."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from integrations.demo import build, heal, known_good, repository, tables
from integrations.demo.lakehouse import Lakehouse, read
from integrations.demo.names import WORD, WORDS, scrambled
from integrations.demo.scheduler import daily_run, next_day

pytestmark = pytest.mark.slow
DAYS = 2


def test_every_past_day_is_an_append_of_its_own(lakehouse: Lakehouse) -> None:
    known = tables.metadata(lakehouse.catalog, f"raw.{lakehouse.names('orders')}")
    dates = [snapshot["summary"]["run-date"] for snapshot in known["snapshots"][:DAYS]]
    assert dates == [(lakehouse.today - timedelta(days=n)).isoformat() for n in (1, 0)]
    assert {snapshot["summary"]["operation"] for snapshot in known["snapshots"][:DAYS]} == {"append"}


def test_every_past_day_left_the_results_of_its_dbt_run(lakehouse: Lakehouse) -> None:
    for number in range(DAYS):
        folder = lakehouse.runs / (lakehouse.today - timedelta(days=number)).isoformat() / "dbt"
        results = json.loads((folder / "run_results.json").read_text())["results"]
        assert len(results) > 30
        assert {result["status"] for result in results} <= {"success", "pass", "no-op"}
        assert json.loads((folder / "manifest.json").read_text())["nodes"]


def test_the_history_of_the_code_has_several_authors(lakehouse: Lakehouse) -> None:
    log = repository.git(lakehouse.repo, "log", "--format=%an|%s", "main").splitlines()
    assert len(log) >= 6
    assert len({line.split("|")[0] for line in log}) == 3


def test_scrambled_names_leave_none_of_the_defaults_in_the_repository(tmp_path: Path) -> None:
    repository.create(tmp_path / "repo", date(2026, 11, 20), scrambled(7))
    paths = repository.git(tmp_path / "repo", "ls-tree", "-r", "--name-only", "main")
    texts = [repository.git(tmp_path / "repo", "show", f"main:{path}") for path in paths.split()]
    assert set(WORD.findall("\n".join([paths, *texts]))) & set(WORDS) == set()


def test_the_pipelines_role_may_read_the_crm_and_nothing_more(lakehouse: Lakehouse) -> None:
    table = lakehouse.names("deals")
    with psycopg.connect(lakehouse.crm_dsn, autocommit=True) as crm:
        assert crm.execute(f"select count(*) from public.{table}".encode()).fetchone() != (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            crm.execute(f"delete from public.{table}".encode())


def test_one_more_day_is_healthy_and_changes_everything_but_the_code(lakehouse: Lakehouse) -> None:
    heal.heal(lakehouse)
    before = known_good.state(lakehouse)
    run = daily_run(lakehouse)
    assert run.ok, run.build_log
    after = known_good.state(lakehouse)
    assert [key for key in before if before[key] == after[key]] == [known_good.TREE]


def test_a_lakehouse_that_is_there_is_not_built_again(lakehouse: Lakehouse) -> None:
    said: list[str] = []
    again = build.build(lakehouse.home, crm_admin_dsn=lakehouse.crm_admin_dsn, progress=said.append)
    assert (again, said) == (lakehouse, [])


def test_a_half_built_lakehouse_is_started_over(tmp_path: Path, postgres_dsn: str) -> None:
    home, said = tmp_path / "home", list[str]()
    (home / "lake").mkdir(parents=True)
    (home / "lake" / "catalog.db").write_text("not a catalog")
    try:
        made = build.build(
            home, crm_admin_dsn=postgres_dsn, names=scrambled(1), days=1, orders_a_day=40, progress=said.append
        )
        assert said[0] == "Found a half-built demo; starting it over"
        assert read(home) == made
        assert next_day(made) == made.today + timedelta(days=1)
        assert isinstance(made.today, date)
        assert oct((home / "state.json").stat().st_mode)[-3:] == "600"
    finally:
        build.destroy(home, postgres_dsn)
