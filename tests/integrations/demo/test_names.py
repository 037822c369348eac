"""Renaming the demo: every table, column and file, and nothing else."""

from __future__ import annotations

from pathlib import PurePosixPath

from integrations.demo import repository
from integrations.demo.names import DEFAULT, WORDS, Names, scrambled


def test_whole_words_are_replaced_and_parts_of_words_stay() -> None:
    names = Names({"orders": "x"})
    assert names.text("orders, stg_orders and orders_total") == "x, stg_orders and orders_total"


def test_the_variable_that_pins_a_tables_snapshot_follows_the_table() -> None:
    assert Names({"orders": "t_a"}).text("SNAPSHOT_RAW_ORDERS") == "SNAPSHOT_RAW_T_A"


def test_files_are_renamed_with_what_they_hold() -> None:
    names = Names({"stg_orders": "y"})
    assert names.path(PurePosixPath("dbt/models/staging/stg_orders.sql")) == PurePosixPath("dbt/models/staging/y.sql")


def test_default_names_change_nothing() -> None:
    assert DEFAULT.text(" ".join(WORDS)) == " ".join(WORDS)


def test_scrambled_names_are_all_different_and_the_same_for_the_same_seed() -> None:
    words = scrambled(3).words
    assert set(words) == set(WORDS)
    assert len(set(words.values())) == len(WORDS)
    assert scrambled(3) == scrambled(3)
    assert scrambled(3) != scrambled(4)


def test_every_model_and_script_of_the_pipeline_has_a_name_that_can_be_changed() -> None:
    files = [
        path for path in repository.SOURCE.rglob("*") if path.suffix in (".sql", ".py") and path.parent.name != "macros"
    ]
    assert len(files) > 20
    assert {path.stem for path in files} <= set(WORDS)
