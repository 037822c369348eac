"""What Countersign may change about a run follows the scheduler's own settings."""

from __future__ import annotations

from pathlib import Path

from integrations.dbt.settings_file import as_set

LIMIT = {"memory_limit": {"kind": "bytes", "env": "DUCKDB_MEMORY_LIMIT", "now": "1GB", "max": "2GB"}}


def test_now_is_what_the_settings_file_says(tmp_path: Path) -> None:
    settings = tmp_path / "environment.env"
    settings.write_text("# DUCKDB_MEMORY_LIMIT=9GB\nOTHER=1\nDUCKDB_MEMORY_LIMIT=112MB\n")
    assert as_set(LIMIT, str(settings))["memory_limit"]["now"] == "112MB"
    assert as_set(LIMIT, str(settings))["memory_limit"]["max"] == "2GB"


def test_without_a_file_or_a_line_in_it_the_configuration_holds(tmp_path: Path) -> None:
    assert as_set(LIMIT, "") == LIMIT
    assert as_set(LIMIT, str(tmp_path / "none")) == LIMIT
    (tmp_path / "other").write_text("OTHER=1\n")
    assert as_set(LIMIT, str(tmp_path / "other")) == LIMIT
