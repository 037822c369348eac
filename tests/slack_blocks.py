"""What Slack refuses in a message or a modal, as its reference of Block Kit says; unknown keys count as wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def problems(blocks: Any, surface: str = "message") -> list[str]:
    """Everything wrong with the blocks of a `message` or a `modal`."""
    if not isinstance(blocks, list) or not 0 < len(blocks) <= (50 if surface == "message" else 100):
        return ["blocks: 1 to 50 in a message, to 100 in a modal"]
    found = [wrong for at, block in enumerate(blocks) for wrong in _block(block, f"blocks[{at}]", surface)]
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]
    return found + ([] if len(ids) == len(set(ids)) else ["block_id twice"])


def view_problems(view: Any) -> list[str]:
    if not isinstance(view, dict) or view.get("type") != "modal":
        return ["view: a modal is wanted"]
    found = [*_keys(view, "view", "type title blocks", "submit close private_metadata callback_id"),
             *_plain(view.get("title"), "title", 24), *problems(view.get("blocks"), "modal"),
             *_text_length(view.get("private_metadata", ""), "private_metadata", 3000, 0),
             *_text_length(view.get("callback_id", "x"), "callback_id", 255)]  # fmt: skip
    for name in ("submit", "close"):
        found += _plain(view[name], name, 24) if name in view else []
    if any(block.get("type") == "input" for block in view.get("blocks", [])) and "submit" not in view:
        found.append("submit: needed beside an input")
    return found


def _block(block: Any, at: str, surface: str) -> Iterator[str]:
    kind = block.get("type") if isinstance(block, dict) else None
    if isinstance(block, dict) and "block_id" in block:
        yield from _text_length(block["block_id"], f"{at}.block_id", 255)
    if kind == "header":
        yield from _keys(block, at, "type text", "block_id")
        yield from _plain(block.get("text"), f"{at}.text", 150)
    elif kind == "section":
        yield from _section(block, at)
    elif kind == "context":
        yield from _keys(block, at, "type elements", "block_id")
        yield from _count(block.get("elements"), f"{at}.elements", 10)
        for n, element in enumerate(block.get("elements", [])):
            yield from _any_text(element, f"{at}.elements[{n}]", 2000)
    elif kind == "actions":
        yield from _keys(block, at, "type elements", "block_id")
        yield from _count(block.get("elements"), f"{at}.elements", 25)
        for n, element in enumerate(block.get("elements", [])):
            yield from _button(element, f"{at}.elements[{n}]")
        ids = [element.get("action_id") for element in block.get("elements", [])]
        if len(ids) != len(set(ids)):
            yield f"{at}: action_id twice"
    elif kind == "divider":
        yield from _keys(block, at, "type", "block_id")
    elif kind == "input" and surface == "modal":
        yield from _input(block, at)
    else:
        yield f"{at}: unsupported type {kind!r} in a {surface}"


def _section(block: Json, at: str) -> Iterator[str]:
    yield from _keys(block, at, "type", "block_id text fields")
    if not ("text" in block or "fields" in block):
        yield f"{at}: text or fields"
    if "text" in block:
        yield from _any_text(block["text"], f"{at}.text", 3000)
    if "fields" in block:
        yield from _count(block["fields"], f"{at}.fields", 10)
        for n, field in enumerate(block["fields"]):
            yield from _any_text(field, f"{at}.fields[{n}]", 2000)


def _button(button: Json, at: str) -> Iterator[str]:
    yield from _keys(button, at, "type text action_id", "value url style confirm accessibility_label")
    yield from _plain(button.get("text"), f"{at}.text", 75)
    yield from _text_length(button.get("action_id"), f"{at}.action_id", 255)
    if "value" in button:
        yield from _text_length(button["value"], f"{at}.value", 2000)
    if "url" in button:
        yield from _text_length(button["url"], f"{at}.url", 3000)
        if not str(button["url"]).startswith(("http://", "https://")):
            yield f"{at}.url: no address"
    if button.get("style", "primary") not in {"primary", "danger"}:
        yield f"{at}.style"
    if "confirm" in button:
        confirm = button["confirm"]
        yield from _keys(confirm, f"{at}.confirm", "title text confirm deny", "style")
        yield from _plain(confirm.get("title"), f"{at}.confirm.title", 100)
        yield from _any_text(confirm.get("text"), f"{at}.confirm.text", 300)
        yield from _plain(confirm.get("confirm"), f"{at}.confirm.confirm", 30)
        yield from _plain(confirm.get("deny"), f"{at}.confirm.deny", 30)


def _input(block: Json, at: str) -> Iterator[str]:
    yield from _keys(block, at, "type label element", "block_id hint optional")
    yield from _plain(block.get("label"), f"{at}.label", 2000)
    if "hint" in block:
        yield from _plain(block["hint"], f"{at}.hint", 2000)
    element = block.get("element", {})
    yield from _text_length(element.get("action_id"), f"{at}.action_id", 255)
    if element.get("type") == "plain_text_input":
        yield from _keys(element, at, "type action_id", "multiline min_length max_length initial_value placeholder")
        if not 1 <= element.get("max_length", 3000) <= 3000:
            yield f"{at}.max_length"
    elif element.get("type") == "static_select":
        yield from _keys(element, at, "type action_id options", "placeholder initial_option")
        yield from _count(element.get("options"), f"{at}.options", 100)
        for n, option in enumerate(element.get("options", [])):
            yield from _keys(option, f"{at}.options[{n}]", "text value", "description")
            yield from _plain(option.get("text"), f"{at}.options[{n}].text", 75)
            yield from _text_length(option.get("value"), f"{at}.options[{n}].value", 150)
    else:
        yield f"{at}: unsupported element {element.get('type')!r}"


def _any_text(value: Any, at: str, limit: int) -> Iterator[str]:
    if isinstance(value, dict) and value.get("type") == "mrkdwn":
        yield from _keys(value, at, "type text", "verbatim")
        yield from _text_length(value.get("text"), at, limit)
    else:
        yield from _plain(value, at, limit)


def _plain(value: Any, at: str, limit: int) -> Iterator[str]:
    if not isinstance(value, dict) or value.get("type") != "plain_text":
        yield f"{at}: plain_text is wanted"
        return
    yield from _keys(value, at, "type text", "emoji")
    yield from _text_length(value.get("text"), at, limit)


def _text_length(value: Any, at: str, limit: int, least: int = 1) -> Iterator[str]:
    if not isinstance(value, str) or not least <= len(value) <= limit:
        yield f"{at}: {least} to {limit} characters"


def _count(value: Any, at: str, limit: int) -> Iterator[str]:
    if not isinstance(value, list) or not 0 < len(value) <= limit:
        yield f"{at}: 1 to {limit}"


def _keys(value: Any, at: str, needed: str, allowed: str = "") -> Iterator[str]:
    has = set(value) if isinstance(value, dict) else set()
    for key in sorted(set(needed.split()) - has):
        yield f"{at}: missing {key}"
    for key in sorted(has - set(needed.split()) - set(allowed.split())):
        yield f"{at}: invalid additional property {key}"
