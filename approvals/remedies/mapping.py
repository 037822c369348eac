"""Edit a model so that it reads a renamed source column under its new name and gives out what it gave before.

Jinja is masked by text of the same length, so that positions in the parsed SQL are positions in the file. Only names
that come from that one source are touched, byte by byte; everything else of the file stays as it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_CONFIG = re.compile(r"\{\{-?\s*config\s*\(")  # prints nothing
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SOURCE = re.compile(r"""source\(\s*['"]([^'"]+)['"]\s*,\s*['"]([^'"]+)['"]\s*\)""")


class CannotEdit(Exception):
    """The file uses the column in a way that is not understood; the message says which."""


@dataclass(frozen=True)
class Rename:
    """`old` of one source is called `new` now. `source` is dbt's pair of names, `table` what plain SQL calls it."""

    source: tuple[str, str]
    table: str
    old: str
    new: str


@dataclass(frozen=True)
class _Edit:
    start: int
    end: int
    text: str


def edited(sql: str, rename: Rename, dialect: str = "duckdb") -> str:
    """The file with the rename in it; the same text when it does not read that column. Raises CannotEdit."""
    masked, jinja = _masked(sql)
    if not _mentions(sql, rename, jinja):
        return sql
    try:
        statements = [tree for tree in sqlglot.parse(masked, dialect=dialect) if tree is not None]
    except SqlglotError as error:
        raise CannotEdit(f"its SQL could not be read ({str(error).splitlines()[0][:120]})") from error
    edits: dict[int, _Edit] = {}
    for tree in statements:
        for edit in _Reader(tree, rename, jinja, sql).edits():
            edits[edit.start] = edit
    for edit in sorted(edits.values(), key=lambda item: -item.start):
        sql = sql[: edit.start] + edit.text + sql[edit.end :]
    return sql


def _masked(sql: str) -> tuple[str, dict[str, str]]:
    """Expressions become identifiers of the same length, tags and comments become blanks; identifier to Jinja."""
    names: dict[str, str] = {}

    def mask(found: re.Match[str]) -> str:
        text = found.group()
        if not text.startswith("{{") or _CONFIG.match(text):
            return re.sub(r"[^\n]", " ", text)
        name = f"j{len(names):x}".ljust(len(text.split("\n")[0]), "_")
        names[name] = text
        return name + re.sub(r"[^\n]", " ", text[len(name) :])

    return _JINJA.sub(mask, sql), names


def _mentions(sql: str, rename: Rename, jinja: dict[str, str]) -> bool:
    if not re.search(rf"(?<!\w){re.escape(rename.old)}(?!\w)|\*", sql, re.IGNORECASE):
        return False
    named = (found.groups() for text in jinja.values() if (found := _SOURCE.search(text)))
    return rename.source in named or rename.table.rpartition(".")[2].lower() in sql.lower()


class _Reader:
    """Walks the scopes of one statement, inner ones first, and collects the edits."""

    def __init__(self, tree: exp.Expr, rename: Rename, jinja: dict[str, str], text: str) -> None:
        self.tree, self.rename, self.jinja, self.text = tree, rename, jinja, text
        self.passing: set[int] = set()  # ids of scopes whose star hands the column on under its new name
        self.found: list[_Edit] = []

    def edits(self) -> list[_Edit]:
        for scope in traverse_scope(self.tree):
            ours = {alias for alias, (_, source) in scope.selected_sources.items() if self._is_ours(source)}
            if ours:
                self._read(scope, ours)
        return self.found

    def _is_ours(self, source: exp.Table | Scope) -> bool:
        if isinstance(source, Scope):
            return id(source.expression) in self.passing
        if (text := self.jinja.get(source.name)) is not None:
            found = _SOURCE.search(text)
            return found is not None and found.groups() == self.rename.source
        whole = ".".join(part for part in (source.db, source.name) if part)
        return whole.lower() == self.rename.table.lower()

    def _read(self, scope: Scope, ours: set[str]) -> None:
        select = scope.expression
        if not isinstance(select, exp.Select):
            return
        self._refuse_using(select)
        given = {item.alias_or_name.lower() for item in select.selects}
        for column in scope.columns:
            if self._names_it(column, ours) and not self._is_alias_in_order(column, given):
                self._rename(column, select)
        if star := next((item for item in select.selects if self._is_star_of(item, ours)), None):
            self._pass_on(star, select, scope)

    def _names_it(self, column: exp.Column, ours: set[str]) -> bool:
        name = column.this
        if not isinstance(name, exp.Identifier) or name.this.lower() != self.rename.old.lower():
            return False
        return column.table in ours if column.table else True  # it was not ambiguous before, so it is ours

    def _is_alias_in_order(self, column: exp.Column, given: set[str]) -> bool:
        """`order by old` means the item of the select list that is still called so."""
        return not column.table and column.find_ancestor(exp.Order) is not None and self.rename.old.lower() in given

    def _rename(self, column: exp.Column, select: exp.Select) -> None:
        name = column.this
        start, end = name.meta["start"], name.meta["end"] + 1
        shown = self.text[start:end]
        new = f'"{self.rename.new}"' if name.quoted or not _PLAIN.fullmatch(self.rename.new) else self.rename.new
        is_item = column.parent is select and column.arg_key == "expressions"
        self.found.append(_Edit(start, end, f"{new} as {shown}" if is_item else new))

    def _is_star_of(self, item: exp.Expr, ours: set[str]) -> bool:
        if isinstance(item, exp.Star):
            return True
        return isinstance(item, exp.Column) and isinstance(item.this, exp.Star) and item.table in ours

    def _pass_on(self, item: exp.Expr, select: exp.Select, scope: Scope) -> None:
        """Inside, whoever reads the star reads the new name; at the end of the file the old name must come out."""
        star = item if isinstance(item, exp.Star) else item.this
        if any(star.args.get(part) for part in ("except_", "except", "replace", "rename")):
            raise CannotEdit("it lists columns by a star with exceptions")
        inner = scope.is_cte or scope.is_derived_table
        if inner:
            self.passing.add(id(select))
            return
        if not scope.is_root:
            raise CannotEdit("it hands columns on by a star inside a union or a nested query")
        place = (self.text.find("*", star.meta["start"]) if star.meta else -1) + 1
        if not place:
            raise CannotEdit("the place of its star is not known")
        self.found.append(_Edit(place, place, f" exclude ({self.rename.new}), {self.rename.new} as {self.rename.old}"))

    def _refuse_using(self, select: exp.Select) -> None:
        for join in select.args.get("joins") or []:
            if any(name.name.lower() == self.rename.old.lower() for name in join.args.get("using") or []):
                raise CannotEdit("it joins by USING on that column")
