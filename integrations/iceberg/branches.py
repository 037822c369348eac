"""Fork, publish and take back: references of tables, moved by compare-and-swap. No data is copied or rewritten."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table

from integrations.errors import BaseMoved, Refused
from integrations.iceberg.catalog import (
    TableCommit,
    chain,
    commit_all,
    label,
    main_of,
    must_be,
    ref_of,
    remove_ref,
    retried,
    set_ref,
    table_of,
    tables_in,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_KEPT = ("before-", "countersign-")
Heads = Mapping[str, int]  # table name to snapshot id


def checked(name: str) -> str:
    """A name that can be ours. pyiceberg itself would happily remove `main` or take over an existing branch."""
    if not _NAME.fullmatch(name) or name == "main" or name.startswith(_KEPT) or name.isdigit():
        raise Refused(f"{name!r} is no name for a staging branch.")
    return name


def fork(catalog: Catalog, name: str, tables: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Make the branch on each table, and a tag that keeps where it began. Returns base and head of each."""
    base, head = {}, {}
    for table in tables:
        base[table], head[table] = retried(lambda table=table: _fork_one(catalog, checked(name), table))  # type: ignore[misc]
    return base, head


def switch(catalog: Catalog, key: str, before: Heads, after: Heads, branch: str | None) -> None:
    """Move production of every table from `before` to `after` and leave the key with it, all or none.

    Raises `BaseMoved` when production of one of them is not at `before`.
    """

    def attempt() -> None:
        tables = {name: table_of(catalog, name) for name in before}
        if moved := [name for name, table in tables.items() if main_of(table) != before[name]]:
            raise BaseMoved(f"Production of {', '.join(moved)} is not what it was.")
        commits = [_switch_one(tables[name], key, before[name], after[name], branch) for name in after]
        commit_all(catalog, commits)

    if not after:
        raise Refused("The branch changes nothing.")
    retried(_unless(attempt, lambda: found(catalog, key, list(after)) is not None))


def found(
    catalog: Catalog, key: str, tables: Sequence[str] | None = None
) -> tuple[dict[str, int], dict[str, int]] | None:
    """Before and after of the effect that carries this key, read from the tables; None when there is none."""
    before, after = {}, {}
    for name in tables if tables is not None else tables_in(catalog):
        table = table_of(catalog, name)
        old, new = ref_of(table, _tag(key, "from")), ref_of(table, _tag(key, "to"))
        if old is not None and new is not None:
            before[name], after[name] = old, new
    return (before, after) if after else None


def follows(table: Table, base: int, head: int) -> None:
    """Raises `Refused` unless `head` is `base` with snapshots on top: only then does publishing lose nothing."""
    chain(table, head, base)


def rehearse(catalog: Catalog, scratch: str, base: Heads, head: Heads) -> None:
    """Move a scratch branch from base to head and back, all tables at once each time, as publishing and undoing do."""
    drop(catalog, scratch, list(base))
    try:
        fork(catalog, scratch, list(base))
        for before, after in ((base, head), (head, base)):
            retried(lambda before=before, after=after: _move_all(catalog, scratch, before, after))  # type: ignore[misc]
        if any(ref_of(table_of(catalog, name), scratch) != base[name] for name in base):
            raise Refused("What came back is not what was there.")
    finally:
        drop(catalog, scratch, list(base))


def drop(catalog: Catalog, name: str, tables: Sequence[str]) -> None:
    """Remove the branch and its tag where they are; production and what was published stay."""
    for table in tables:
        retried(lambda table=table: _drop_one(catalog, checked(name), table))  # type: ignore[misc]


def _fork_one(catalog: Catalog, name: str, table_name: str) -> tuple[int, int]:
    table, tag = table_of(catalog, table_name), f"before-{name}"
    base, existing, mark = main_of(table), ref_of(table, name), ref_of(table, tag)
    if existing is not None:
        if mark != base:
            raise BaseMoved(
                f"Branch {name} of {table_name} exists already and was not forked from what production is now."
            )
        return base, existing
    commit_all(
        catalog,
        [
            TableCommit(
                table,
                (must_be("main", base), must_be(name, None)),
                (set_ref(name, "branch", base), set_ref(tag, "tag", base)),
            )
        ],
    )
    return base, base


def _switch_one(table: Table, key: str, before: int, after: int, branch: str | None) -> TableCommit:
    if table.metadata.snapshot_by_id(after) is None:
        raise Refused(f"Snapshot {after} of {label(table)} is gone.")
    if branch is not None:
        if ref_of(table, branch) != after:
            raise Refused(f"Branch {branch} of {label(table)} is not where it was left.")
        follows(table, before, after)
    held = (must_be(branch, after),) if branch is not None else ()
    return TableCommit(
        table,
        (must_be("main", before), must_be(_tag(key, "to"), None), *held),
        (
            set_ref("main", "branch", after),
            set_ref(_tag(key, "from"), "tag", before),
            set_ref(_tag(key, "to"), "tag", after),
        ),
    )


def _move_all(catalog: Catalog, branch: str, before: Heads, after: Heads) -> None:
    tables = {name: table_of(catalog, name) for name in after}
    commit_all(
        catalog,
        [
            TableCommit(table, (must_be(branch, before[name]),), (set_ref(branch, "branch", after[name]),))
            for name, table in tables.items()
        ],
    )


def _drop_one(catalog: Catalog, name: str, table_name: str) -> None:
    table = table_of(catalog, table_name)
    present = [(ref, at) for ref in (name, f"before-{name}") if (at := ref_of(table, ref)) is not None]
    if present:
        commit_all(
            catalog,
            [
                TableCommit(
                    table, tuple(must_be(ref, at) for ref, at in present), tuple(remove_ref(ref) for ref, _ in present)
                )
            ],
        )


def _unless(attempt: Callable[[], None], done: Callable[[], bool]) -> Callable[[], None]:
    """Try; when another writer was first, that writer may have been us, before a crash or beside us."""

    def action() -> None:
        try:
            attempt()
        except (CommitFailedException, BaseMoved, Refused):
            if not done():
                raise

    return action


def _tag(key: str, side: str) -> str:
    return f"countersign-{hashlib.sha256(key.encode()).hexdigest()[:32]}-{side}"
