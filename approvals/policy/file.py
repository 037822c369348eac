"""A policy as a file in YAML, both ways. What is wrong is said with its line and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from app.core.errors import Invalid
from approvals.policy.rules import Needs, Problem, Rule, When, problems

FILE_LIMIT = 64_000  # characters
# name in the file -> name in our rules
WHEN = {
    "class": "failure_class", "action": "action", "risk": "risk", "asset": "asset", "only_assets": "only",
    "tier": "tier", "owner": "owner", "connection": "connection",
}  # fmt: skip
LISTS, NUMBERS, FLAGS = ("roles", "groups", "one_from", "doors"), ("signatures", "within_h"), ("second_factor",)
NEEDS = ("signatures", "roles", "groups", "one_from", "doors", "second_factor", "within_h")
TRUTH = {"true": True, "yes": True, "false": False, "no": False}
HEAD = (
    "# Who must sign. The first rule that fits a proposal decides; the last one fits every proposal.\n"
    "# when: class, action, risk, asset, only_assets, tier, owner, connection; patterns with * and ?\n"
    "# needs: signatures, roles, groups, one_from, doors, second_factor, within_h\n"
)
Node = Any  # yaml.Node, which has no types


class _Wrong(Exception):
    def __init__(self, node: Node, message: str) -> None:
        super().__init__(f"Line {node.start_mark.line + 1}: {message}")


def read(text: str) -> tuple[Rule, ...]:
    """The rules of a file. Raises Invalid with every problem that can be told, each with its line."""
    if len(text) > FILE_LIMIT:
        raise Invalid(f"A policy has at most {FILE_LIMIT} characters. Join rules, or use patterns.")
    try:
        nodes = _rules(yaml.compose(text, Loader=yaml.SafeLoader))
        parts = [_rule(node) for node in nodes]
    except _Wrong as wrong:
        raise Invalid(str(wrong)) from wrong
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"Line {mark.line + 1}: " if mark else ""
        raise Invalid(f"{line}this is not YAML: {error.problem or error.context}. Correct it.") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Invalid("This is not YAML that can be read. Begin with the file that this page exports.") from error
    rules = tuple(rule for rule, _ in parts)
    if found := list(problems(rules)):
        raise Invalid(" ".join(_located(one, [lines for _, lines in parts]) for one in found))
    return rules


def write(rules: tuple[Rule, ...]) -> str:
    """The file; the same rules give the same bytes, and `read` gives the same rules."""
    told = [{"name": rule.name, **_when(rule.when), "needs": _needs(rule.needs)} for rule in rules]
    return HEAD + str(yaml.safe_dump({"rules": told}, sort_keys=False, allow_unicode=True, width=100))


# --- reading -------------------------------------------------------------------------------------------------


def _rules(root: Node) -> list[Node]:
    if not isinstance(root, yaml.MappingNode):
        raise Invalid("Line 1: a policy begins with `rules:` and a list below it. Export the present one to see how.")
    top = dict(_pairs(root, ("rules",), "A policy"))
    if not isinstance(top.get("rules"), yaml.SequenceNode):
        raise _Wrong(root, "`rules:` is missing, or is no list. Write each rule below it, beginning with `- name:`.")
    listed: list[Node] = top["rules"].value
    return listed


def _rule(node: Node) -> tuple[Rule, dict[str, int]]:
    """The rule, and the line (from 1) of each of its parts."""
    parts = dict(_pairs(node, ("name", "when", "needs"), "A rule"))
    if "name" not in parts:
        raise _Wrong(node, "this rule has no `name`. Give it one: pages show it as the reason.")
    lines = {"": node.start_mark.line + 1, "name": parts["name"].start_mark.line + 1}
    lines |= {"when": parts["when"].start_mark.line + 1} if "when" in parts else {}
    when, needs = {}, {}
    for key, value in _pairs(parts["when"], tuple(WHEN), "`when`") if "when" in parts else ():
        when[WHEN[key]] = _texts(value)
        lines[f"when.{WHEN[key]}"] = value.start_mark.line + 1
    for key, value in _pairs(parts["needs"], NEEDS, "`needs`") if "needs" in parts else ():
        needs[key] = _needed(key, value)
        lines[f"needs.{key}"] = value.start_mark.line + 1
    return Rule(_text(parts["name"]), When(**when), Needs(**needs)), lines


def _needed(key: str, node: Node) -> Any:
    if key in LISTS:
        return _texts(node)
    text = _text(node)
    if key in FLAGS:
        if text.lower() not in TRUTH:
            raise _Wrong(node, f"`{key}` is true or false.")
        return TRUTH[text.lower()]
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise _Wrong(node, f"`{key}` is a whole number.")
    return int(text)


def _pairs(node: Node, allowed: tuple[str, ...], what: str) -> Iterator[tuple[str, Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise _Wrong(node, f"{what} is written as `key: value` lines. Possible keys: {', '.join(allowed)}.")
    seen: set[str] = set()
    for key, value in node.value:
        name = _text(key)
        if name not in allowed:
            raise _Wrong(key, f"{what} has no `{name[:60]}`. Possible: {', '.join(allowed)}.")
        if name in seen:
            raise _Wrong(key, f"`{name}` stands twice. Keep one, with all its values.")
        seen.add(name)
        yield name, value


def _texts(node: Node) -> tuple[str, ...]:
    if isinstance(node, yaml.SequenceNode):
        return tuple(_text(one) for one in node.value)
    return (_text(node),)


def _text(node: Node) -> str:
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        raise _Wrong(node, "a word is expected here. Put it in quotes if it has special characters.")
    return str(node.value).strip()


def _located(problem: Problem, lines: list[dict[str, int]]) -> str:
    if problem.at >= len(lines):
        return problem.message
    own = lines[problem.at]
    return f"Line {own.get(problem.part) or own['']}: {problem.message}"


# --- writing -------------------------------------------------------------------------------------------------


def _when(when: When) -> dict[str, Any]:
    told = {key: _short(getattr(when, part)) for key, part in WHEN.items() if getattr(when, part)}
    return {"when": told} if told else {}


def _needs(needs: Needs) -> dict[str, Any]:
    plain = Needs()
    told: dict[str, Any] = {"signatures": needs.signatures}
    for key in NEEDS[1:]:
        value = getattr(needs, key)
        if value != getattr(plain, key):
            told[key] = _short(value) if key in LISTS else value
    return told


def _short(values: tuple[str, ...]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)
