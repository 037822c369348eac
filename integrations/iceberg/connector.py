"""Apache Iceberg: tables with history, and zero-copy branches of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table

from integrations.addresses import refuse
from integrations.effects import Branch, Capabilities, Change, DedupeRows, Diff, QuarantineRows, Receipt
from integrations.errors import IntegrationError, Refused, Unsupported
from integrations.iceberg import branches, inspect
from integrations.iceberg.catalog import chain, main_of, open_catalog, ref_of, retried, table_of, tables_in
from integrations.iceberg.changes import CHANGE, dedupe, identity, quarantine
from integrations.iceberg.files import bytes_added
from integrations.ports import Wiring
from integrations.values import AssetRef, Column, Commit, Health, Json, Predicate, Profile, Version


class Connector:
    """One catalog. Versions are snapshot ids; `Branch.base` and `head` are keyed by the uri of the asset."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.namespace = str(wiring.config["namespace"])
        self._known_keys: dict[str, tuple[tuple[str, ...], ...]] = {}

    @cached_property
    def catalog(self) -> Catalog:
        properties = dict(self.wiring.config["catalog"])
        if "uri" not in properties:
            properties["uri"] = self.wiring.secret("catalog_uri")
        for value in properties.values():
            refuse(str(value))
        return open_catalog(self.namespace.rpartition("://")[2], properties)

    def test(self) -> Health:
        try:
            count = len(tables_in(self.catalog))
        except IntegrationError as error:
            return Health(False, f"Could not open the catalog: {error}", "Check its type, address and warehouse.")
        return Health(True, f"Opened the catalog; it holds {count} tables.")

    # --- reading ---------------------------------------------------------------------------------------------

    def schema(self, asset: AssetRef, version: str = "") -> tuple[Column, ...]:
        return inspect.columns(self._table(asset), version)

    def versions(self, asset: AssetRef, limit: int = 60) -> tuple[Version, ...]:
        return inspect.versions(self._table(asset), limit)

    def profile(self, asset: AssetRef, version: str = "", *, increment: bool = False) -> Profile:
        return inspect.profile_of(self._table(asset), version, increment=increment, keys=self._keys(asset))

    def sample(self, asset: AssetRef, predicate: Predicate, limit: int = 20) -> tuple[Json, ...]:
        return inspect.sample_of(self._table(asset), predicate, limit)

    def changes(self, paths: Sequence[str], limit: int = 20) -> tuple[Commit, ...]:
        raise Unsupported("A lake has no commits of code.")

    def read_file(self, path: str, version: str = "") -> str:
        raise Unsupported("A lake has no files of code.")

    def candidate_keys(self, asset: AssetRef) -> tuple[tuple[str, ...], ...]:
        """Column sets that identify a row, the most likely first."""
        return self._keys(asset)

    def assets(self) -> tuple[AssetRef, ...]:
        """Every table of the catalog."""
        return tuple(AssetRef(self.namespace, name) for name in tables_in(self.catalog))

    # --- branches --------------------------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        together = isinstance(self.catalog, SqlCatalog)
        note = "" if together else "Several tables cannot be published at once on this catalog."
        return Capabilities(
            zero_copy=True, atomic_across_tables=together, compare_and_swap=True, undo_hours=24, note=note
        )

    def heads(self, assets: Sequence[AssetRef]) -> Mapping[str, str]:
        return {asset.uri: str(main_of(self._table(asset))) for asset in assets}

    def fork(self, name: str, assets: Sequence[AssetRef]) -> Branch:
        base, head = branches.fork(self.catalog, name, [self._name(asset) for asset in assets])
        return self._as_branch(name, base, head)

    def apply(self, branch: Branch, change: Change) -> Branch:
        """One snapshot. A change that the branch already holds is not made twice."""
        if not isinstance(change, QuarantineRows | DedupeRows):
            raise Unsupported(f"Iceberg cannot do {change.kind}.")
        name = self._name(change.asset)
        base, head = self._ids(branch.base), self._ids(branch.head)
        if name not in base:
            raise Refused(f"Branch {branch.name} does not hold {name}.")
        mark = identity(change, base[name])
        head[name] = retried(lambda: self._applied(branches.checked(branch.name), change, mark, base[name], head[name]))
        holds = sorted(
            {*branch.detail.get("holds", ()), *([change.hold] if isinstance(change, QuarantineRows) else ())}
        )
        return self._as_branch(branch.name, base, head, {"holds": holds} if holds else {})

    def diff(self, branch: Branch) -> Diff:
        base, head = self._ids(branch.base), self._ids(branch.head)
        return Diff(tuple(self._diff_one(name, base[name], head[name]) for name in base))

    def publish(self, branch: Branch, *, key: str) -> Receipt:
        base, head = self._ids(branch.base), self._ids(branch.head)
        after = {name: version for name, version in head.items() if version != base[name]}
        if done := self.lookup(key, branch):
            return done
        branches.switch(self.catalog, key, base, after, branches.checked(branch.name))
        return self._receipt(key, {name: base[name] for name in after}, after)

    def undo(self, receipt: Receipt, *, key: str) -> Receipt:
        before, after = self._ids(receipt.after), self._ids(receipt.before)
        if not branches.found(self.catalog, key, list(after)):
            branches.switch(self.catalog, key, before, after, None)
        return self._receipt(key, before, after)

    def lookup(self, key: str, branch: Branch | None = None) -> Receipt | None:
        """Without a branch every table of the catalog is asked."""
        effect = branches.found(self.catalog, key, list(self._ids(branch.base)) if branch else None)
        return self._receipt(key, *effect) if effect else None

    def rehearse_undo(self, branch: Branch, *, key: str) -> None:
        """Publish and take back on a scratch branch. Raises `Refused` unless what comes back is what was there."""
        branches.rehearse(self.catalog, f"undo-{branch.name}", self._ids(branch.base), self._ids(branch.head))

    def drop(self, branch: Branch) -> None:
        """Rows that were held for a fix that was never published are let go with it."""
        base, head = self._ids(branch.base), self._ids(branch.head)
        published = any(head[name] != base[name] and self._is_public(name, head[name]) for name in base)
        branches.drop(self.catalog, branch.name, list(base))
        for hold in () if published else branch.detail.get("holds", ()):
            self._release(hold, head)

    # --- private ---------------------------------------------------------------------------------------------

    def _applied(self, branch: str, change: QuarantineRows | DedupeRows, mark: str, base: int, head: int) -> int:
        table = table_of(self.catalog, self._name(change.asset))
        now = ref_of(table, branch)
        if now is None:
            raise Refused(f"There is no branch {branch} of {change.asset.name}.")
        if any(
            shot.summary and shot.summary.additional_properties.get(CHANGE) == mark for shot in chain(table, now, base)
        ):
            return now
        if now != head:
            raise Refused(f"Branch {branch} of {change.asset.name} is not where it was left.")
        if isinstance(change, QuarantineRows):
            quarantine(self.catalog, table, branch, change, mark)
        else:
            dedupe(table, branch, change, mark)
        return int(ref_of(table_of(self.catalog, self._name(change.asset)), branch) or 0)

    def _diff_one(self, name: str, base: int, head: int) -> Any:
        asset = AssetRef(self.namespace, name)
        keys = self._keys(asset)
        return inspect.diff_of(self._table(asset), asset, base, head, keys[0] if keys else ())

    def _as_branch(
        self, name: str, base: Mapping[str, int], head: Mapping[str, int], detail: Json | None = None
    ) -> Branch:
        tables = {table: table_of(self.catalog, table) for table in base}
        written = sum(bytes_added(tables[table], chain(tables[table], head[table], base[table])) for table in base)
        for hold in (detail or {}).get("holds", ()):
            kept = table_of(self.catalog, hold)
            written += bytes_added(kept, chain(kept, main_of(kept)))
        return Branch(self.wiring.name, name, self._uris(base), self._uris(head), written, detail or {})

    def _receipt(self, key: str, before: Mapping[str, int], after: Mapping[str, int]) -> Receipt:
        forward = all(self._descends(name, before[name], after[name]) for name in after)
        return Receipt(self.wiring.name, "publish" if forward else "undo", key, self._uris(before), self._uris(after))

    def _descends(self, name: str, base: int, head: int) -> bool:
        return any(shot.snapshot_id == base for shot in chain(table_of(self.catalog, name), head))

    def _is_public(self, name: str, head: int) -> bool:
        table = table_of(self.catalog, name)
        tags = (ref for ref_name, ref in table.metadata.refs.items() if ref_name.startswith("countersign-"))
        return any(ref.snapshot_id == head for ref in tags)

    def _release(self, hold: str, head: Mapping[str, int]) -> None:
        try:
            self.catalog.drop_table(hold)
        except NoSuchTableError:
            return  # a drop before this one got as far

    def _table(self, asset: AssetRef) -> Table:
        return table_of(self.catalog, self._name(asset))

    def _name(self, asset: AssetRef) -> str:
        if asset.namespace != self.namespace:
            raise Refused(f"{asset.uri} is not of {self.namespace}.")
        return asset.name

    def _keys(self, asset: AssetRef) -> tuple[tuple[str, ...], ...]:
        given = dict(self.wiring.config.get("keys") or {}).get(asset.name)
        if asset.name not in self._known_keys:
            table = self._table(asset)
            self._known_keys[asset.name] = (tuple(given),) if given else inspect.learned_keys(table)
        return self._known_keys[asset.name]

    def _uris(self, versions: Mapping[str, int]) -> dict[str, str]:
        return {AssetRef(self.namespace, name).uri: str(version) for name, version in versions.items()}

    def _ids(self, versions: Mapping[str, str]) -> dict[str, int]:
        return {uri.removeprefix(f"{self.namespace}/"): int(version) for uri, version in versions.items()}
