"""The same rename in YAML: names of source columns, and relationships that point at them. Only those scalars change."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from approvals.remedies.mapping import CannotEdit, Rename


def edited_yaml(text: str, rename: Rename) -> str:
    """The file with the column's new name where the source's own column is meant. Raises CannotEdit."""
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        places = sorted({(node.start_mark.index, node.end_mark.index) for node in _names(tree, rename)}, reverse=True)
    except (yaml.YAMLError, RecursionError) as error:  # an anchor may hold itself
        raise CannotEdit("its YAML could not be read") from error
    for start, end in places:
        text = text[:start] + text[start:end].replace(rename.old, rename.new) + text[end:]
    return text


def _names(tree: yaml.Node | None, rename: Rename) -> Iterator[yaml.ScalarNode]:
    for source in _named(_at(tree, "sources"), rename.source[0]):
        for table in _named(_at(source, "tables"), rename.source[1]):
            for column in _items(_at(table, "columns")):
                yield from _is(_at(column, "name"), rename.old)
    for node in _mappings(tree):
        target = _at(node, "to")
        if isinstance(target, yaml.ScalarNode) and _points_at(target.value, rename):
            yield from _is(_at(node, "field"), rename.old)


def _points_at(text: str, rename: Rename) -> bool:
    source, table = (re.escape(part) for part in rename.source)
    return re.search(rf"""source\(\s*['"]{source}['"]\s*,\s*['"]{table}['"]\s*\)""", text) is not None


def _is(node: yaml.Node | None, value: str) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode) and node.value == value:
        yield node


def _at(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _named(node: yaml.Node | None, name: str) -> Iterator[yaml.Node]:
    for item in _items(node):
        if any(_is(_at(item, "name"), name)):
            yield item


def _mappings(node: yaml.Node | None) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value)
    for item in _items(node):
        yield from _mappings(item)
