"""Small real worlds, one per branch provider: a lake of two tables, a repository of two files."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from integrations.effects import ApplyPatch, Change, QuarantineRows
from integrations.git.connector import Connector as GitConnector
from integrations.iceberg.connector import Connector as IcebergConnector
from integrations.ports import BranchProvider, Wiring
from integrations.values import AssetRef, Predicate

PATCH = "--- a/a.sql\n+++ b/a.sql\n@@ -1 +1 @@\n-select 1\n+select 2\n"


@dataclass(frozen=True)
class World:
    """A provider, and ways around it to look at production and to move it."""

    provider: BranchProvider
    assets: tuple[AssetRef, ...]
    changes: tuple[Change, ...]
    content: Callable[[], Any]
    move: Callable[[], None]
    reopened: Callable[[], BranchProvider]


def wiring(tmp_path: Path, **config: Any) -> Wiring:
    return Wiring("under-test", config, lambda name: "", lambda name: None, tmp_path)


def git(folder: Path, *args: str) -> str:
    who = {f"GIT_{role}_{part}": "tester" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **who}
    done = subprocess.run(
        ["git", "-C", str(folder), *args], check=True, capture_output=True, text=True, env=environment
    )
    return done.stdout.strip()


def repository(tmp_path: Path, files: dict[str, str]) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "-b", "main")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "Begin")
    return folder


def git_world(tmp_path: Path) -> World:
    folder = repository(tmp_path, {"a.sql": "select 1\n", "b.sql": "select 1\n"})
    config = wiring(tmp_path, namespace="git://code", path=str(folder))
    number = itertools.count()

    def move() -> None:
        (folder / "b.sql").write_text(f"select {next(number) + 100}\n")
        git(folder, "commit", "--quiet", "-am", "Move on")

    return World(
        GitConnector(config),
        (AssetRef("git://code", "."),),
        (ApplyPatch(PATCH, "Select two"),),
        lambda: git(folder, "rev-parse", "main^{tree}"),
        move,
        lambda: GitConnector(config),
    )


def iceberg_world(tmp_path: Path) -> World:
    catalog = {"type": "sql", "uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": f"file://{tmp_path}/lake"}
    config = wiring(tmp_path, namespace="iceberg://lake", catalog=catalog)
    connector = IcebergConnector(config)
    connector.catalog.create_namespace("raw")
    names = ("raw.orders", "raw.payments")
    for name in names:
        rows = pa.table({"id": list(range(10)), "currency": ["EUR"] * 8 + ["JPY", None]})
        connector.catalog.create_table(name, schema=rows.schema).append(rows)
    number = itertools.count(100)

    def move() -> None:
        connector.catalog.load_table(names[1]).append(pa.table({"id": [next(number)], "currency": ["USD"]}))

    assets = tuple(AssetRef("iceberg://lake", name) for name in names)
    yen = Predicate((("currency", "=", "JPY"),))
    holds = ("quarantine.orders_inc_1", "quarantine.payments_inc_1")
    return World(
        connector,
        assets,
        tuple(QuarantineRows(asset, yen, hold) for asset, hold in zip(assets, holds, strict=True)),
        lambda: [connector.catalog.load_table(name).scan().to_arrow().sort_by("id").to_pylist() for name in names],
        move,
        lambda: IcebergConnector(config),
    )
