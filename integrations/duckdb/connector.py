"""DuckDB: a warehouse file that one process writes; we read copies of it."""

# ruff: noqa: S608 - every name in a statement is quoted by `sql.quoted`, and every value is bound

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from integrations.duckdb import files
from integrations.duckdb.compare import checksum, compare
from integrations.duckdb.masking import masked
from integrations.duckdb.profile import candidate_keys, profile
from integrations.duckdb.sql import columns_of, in_memory, relation, where
from integrations.effects import Receipt, TableDiff
from integrations.errors import IntegrationError, Refused, Unsupported
from integrations.ports import Wiring
from integrations.values import AssetRef, Column, Commit, Health, Json, Predicate, Profile, Version


class Connector:
    """A version is the path of another copy of the file, as a rehearsal leaves it; the warehouse itself when empty."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.namespace = str(wiring.config["namespace"])
        self.path = Path(str(wiring.config["path"]))

    def test(self) -> Health:
        try:
            with self._open("") as connection:
                count = len(connection.execute("SHOW ALL TABLES").fetchall())
        except IntegrationError as error:
            return Health(False, f"Could not read the warehouse: {error}", "Check the path of the file.")
        return Health(True, f"Read the warehouse; it holds {count} tables and views.")

    # --- reading ---------------------------------------------------------------------------------------------

    def schema(self, asset: AssetRef, version: str = "") -> tuple[Column, ...]:
        with self._table(asset, version) as (connection, source):
            return columns_of(connection, source)

    def versions(self, asset: AssetRef, limit: int = 60) -> tuple[Version, ...]:
        raise Unsupported("A DuckDB file keeps no versions of its tables.")

    def profile(self, asset: AssetRef, version: str = "", *, increment: bool = False) -> Profile:
        if increment:
            raise Unsupported("A DuckDB file does not know which rows a version added.")
        with self._table(asset, version) as (connection, source):
            return profile(connection, source, version, self._keys(asset) or candidate_keys(connection, source))

    def profiles(self, assets: Sequence[AssetRef]) -> list[Profile | None]:
        """Of several tables from one copy of the file; None for one that cannot be read as it is."""
        found: list[Profile | None] = []
        with self._open("") as connection:
            for asset in assets:
                try:
                    source = relation(asset.name)
                    keys = self._keys(asset) or candidate_keys(connection, source)
                    found.append(profile(connection, source, "", keys))
                except (duckdb.CatalogException, duckdb.BinderException):
                    found.append(None)
        return found

    def sample(self, asset: AssetRef, predicate: Predicate, limit: int = 20) -> tuple[Json, ...]:
        with self._table(asset, "") as (connection, source):
            condition, values = where(predicate, columns_of(connection, source))
            result = connection.execute(f"SELECT * FROM {source} WHERE {condition} LIMIT {int(limit)}", values)
            names = [column[0] for column in result.description or ()]
            return tuple(masked(dict(zip(names, row, strict=True))) for row in result.fetchall())

    def changes(self, paths: Sequence[str], limit: int = 20) -> tuple[Commit, ...]:
        raise Unsupported("A warehouse has no commits of code.")

    def read_file(self, path: str, version: str = "") -> str:
        raise Unsupported("A warehouse has no files of code.")

    def compare(self, asset: AssetRef, before: str, after: str) -> TableDiff:
        """How the asset differs between two copies of the file; "" is the warehouse itself."""
        keys, sides = self._keys(asset), {"before": self._rows(asset, before), "after": self._rows(asset, after)}
        with in_memory(sides) as connection:
            return compare(connection, asset, "before", "after", keys[0] if keys else ())

    def checksum(self, asset: AssetRef, version: str = "") -> str:
        """Equal for equal columns and rows, whatever their order."""
        with self._table(asset, version) as (connection, source):
            return checksum(connection, source)

    def assets(self, version: str = "") -> tuple[AssetRef, ...]:
        """Every table and view of the file."""
        with self._open(version) as connection:
            rows = connection.execute(
                "SELECT schema, name FROM (SHOW ALL TABLES) WHERE NOT temporary ORDER BY 1, 2"
            ).fetchall()
        return tuple(AssetRef(self.namespace, f"{schema}.{name}") for schema, name in rows)

    # --- the whole file --------------------------------------------------------------------------------------

    def copy_to(self, target: Path) -> Path:
        """A copy to build into; it has the same name, because views know the name of their database."""
        return files.copy_to(self.path, target)

    def digest(self) -> str:
        return files.digest(self.path)

    def backup(self, kept: Path) -> str:
        """Keep the bytes of now at `kept`, once; returns their digest."""
        return files.backup(self.path, kept)

    def restore(self, receipt: Receipt) -> None:
        """Put the bytes of before a run back. Raises `BaseMoved` when someone wrote after it."""
        kept = Path(str(receipt.detail["backup"]))
        files.restore(self.path, kept, before=receipt.before[self.uri], after=receipt.after[self.uri])

    @property
    def uri(self) -> str:
        return f"{self.namespace}/*"

    # --- private ---------------------------------------------------------------------------------------------

    @property
    def _scratch(self) -> Path:
        return self.wiring.workspace / "copies"

    def _file(self, version: str) -> Path:
        """The warehouse, or a copy that a rehearsal left in our own folders; no other file of this machine."""
        if not version:
            return self.path
        path = Path(version).resolve()
        if path.name != self.path.name or not path.is_relative_to(self.wiring.workspace.parent.resolve()):
            raise Refused("That is no copy of this warehouse.")
        return path

    @contextmanager
    def _open(self, version: str) -> Iterator[duckdb.DuckDBPyConnection]:
        with files.reading(self._file(version), self._scratch) as connection:
            yield connection

    @contextmanager
    def _table(self, asset: AssetRef, version: str) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
        if asset.namespace != self.namespace:
            raise Refused(f"{asset.uri} is not of {self.namespace}.")
        with self._open(version) as connection:
            try:
                yield connection, relation(asset.name)
            except duckdb.CatalogException as error:
                raise Refused(f"The warehouse has no table {asset.name!r}.") from error
            except duckdb.BinderException as error:  # a view over a column that is gone
                raise Refused(f"{asset.name} cannot be read as it is: {str(error).splitlines()[0]}") from error

    def _rows(self, asset: AssetRef, version: str) -> Any:
        """As Arrow: views name their own database, so two copies of one file cannot be open side by side."""
        with self._table(asset, version) as (connection, source):
            return connection.execute(f"SELECT * FROM {source}").to_arrow_table()

    def _keys(self, asset: AssetRef) -> tuple[tuple[str, ...], ...]:
        given = dict(self.wiring.config.get("keys") or {}).get(asset.name)
        return (tuple(given),) if given else ()
