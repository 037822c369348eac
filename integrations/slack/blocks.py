"""A card, a form and a line of a thread as Block Kit.

Texts go out as `plain_text`, which Slack does not read for pings, links or styles. The only `mrkdwn` is a link that we
made ourselves, into the console.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from integrations.cards import Button, Card, Field, Form
from integrations.slack import limits
from integrations.slack.limits import cut, escaped, line, lines
from integrations.values import Json

ACTS = "acts"  # block_id of a card's buttons
AGAIN = "."  # before the number of a second button of one verb
LINK = "link-"  # before the verb of a button that only leads somewhere: pressing it is no act


def card(shown: Card) -> list[Json]:
    """The blocks of a message, within Slack's limits whatever is in the card."""
    blocks: list[Json] = [{"type": "header", "text": _plain(line(shown.title, limits.TITLE))}]
    blocks += _section(shown.lead)
    for at in range(0, len(shown.facts), limits.FIELDS):
        part = shown.facts[at : at + limits.FIELDS]
        blocks.append({"type": "section", "fields": [_fact(label, value) for label, value in part]})
    blocks += _section(shown.state)
    if shown.buttons:
        blocks.append({"type": "actions", "block_id": ACTS, "elements": _buttons(shown.buttons[: limits.BUTTONS])})
    return [*blocks, *_context(shown.context, shown.link)][: limits.BLOCKS]


def words(text: str, links: Sequence[tuple[str, str]] = ()) -> list[Json]:
    """One message without buttons; `links` are (label, address in the console)."""
    made = [_link(label, url) for label, url in links[: limits.CONTEXT_ELEMENTS]]
    return [*(_section(text) or _section("—")), *([{"type": "context", "elements": made}] if made else [])]


def form(asked: Form) -> Json:
    """A modal; `private_metadata` is the nonce and nothing else."""
    title = line(asked.title, limits.VIEW_TITLE)
    whole = [] if title == asked.title else _section(line(asked.title, limits.SECTION))
    inputs = [_input(field) for field in asked.fields]
    return {
        "type": "modal",
        "callback_id": cut(asked.verb, limits.ID),
        "title": _plain(title),
        "submit": _plain(line(asked.submit, limits.VIEW_BUTTON)),
        "close": _plain("Cancel"),
        "private_metadata": _exact(asked.nonce, limits.METADATA),
        "blocks": [*whole, *_section(asked.intro), *inputs][: limits.VIEW_BLOCKS],
    }


def notification(text: str) -> str:
    """What a phone shows of a message before it is opened; Slack reads this one for markup."""
    return cut(escaped(line(text, limits.TEXT // 5)), limits.TEXT)  # an escape is five characters at most


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text or "—", "emoji": False}  # Slack refuses an empty one


def _section(text: str) -> list[Json]:
    said = lines(text, limits.SECTION)
    return [{"type": "section", "text": _plain(said)}] if said else []


def _fact(label: str, value: str) -> Json:
    return _plain(cut(f"{line(label, limits.BUTTON)}\n{line(value, limits.FIELD) or '—'}", limits.FIELD))


def _buttons(buttons: Sequence[Button]) -> list[Json]:
    """The id is the verb; a second button of one verb gets a number, because Slack wants each id once."""
    seen: Counter[str] = Counter()
    made = []
    for button in buttons:
        verb = f"{LINK}{button.verb}" if button.url else button.verb
        seen[verb] += 1
        made.append(_button(button, f"{verb}{AGAIN}{seen[verb]}" if seen[verb] > 1 else verb))
    return made


def _button(button: Button, name: str) -> Json:
    made: Json = {
        "type": "button",
        "action_id": _exact(name, limits.ID),
        "text": _plain(line(button.label, limits.BUTTON)),
    }
    if button.url:
        return made | {"url": _exact(button.url, limits.URL)}
    if button.value:
        made["value"] = _exact(button.value, limits.VALUE)
    if button.style:
        made["style"] = button.style
    if button.confirm:
        made["confirm"] = {
            "title": _plain(line(button.label, limits.CONFIRM_TITLE)),
            "text": _plain(lines(button.confirm, limits.CONFIRM)),
            "confirm": _plain(line(button.label, limits.CONFIRM_BUTTON)),
            "deny": _plain("Cancel"),
        }
    return made


def _context(small: Sequence[str], link: str) -> list[Json]:
    room = limits.CONTEXT_ELEMENTS - bool(link)
    elements = [_plain(said) for text in small[:room] if (said := line(text, limits.CONTEXT))]
    elements += [_link("Open in the console", link)] if link else []
    return [{"type": "context", "elements": elements}] if elements else []


def _link(label: str, url: str) -> Json:
    """The label may hold a stranger's words, the address never does."""
    safe = escaped(line(label, limits.BUTTON)).replace("|", "¦")
    address = escaped(_exact(url, limits.CONTEXT // 2)).replace("|", "%7C")
    return {"type": "mrkdwn", "text": f"<{address}|{safe}>", "verbatim": True}


def _input(field: Field) -> Json:
    made: Json = {
        "type": "input",
        "block_id": _exact(field.name, limits.ID),
        "label": _plain(line(field.label, limits.LABEL)),
        "optional": not field.required,
        "element": _choice(field) if field.choices else _typed(field),
    }
    return made | ({"hint": _plain(line(field.hint, limits.HINT))} if field.hint else {})


def _typed(field: Field) -> Json:
    return {
        "type": "plain_text_input",
        "action_id": _exact(field.name, limits.ID),
        "multiline": field.multiline,
        "max_length": limits.TYPED,
    }


def _choice(field: Field) -> Json:
    options = [
        {"text": _plain(line(label, limits.OPTION)), "value": _exact(value, limits.OPTION_VALUE)}
        for value, label in field.choices[: limits.OPTIONS]
    ]
    return {"type": "static_select", "action_id": _exact(field.name, limits.ID), "options": options}


def _exact(text: str, limit: int) -> str:
    """What code reads again: half of it would mean something else."""
    if len(text) > limit:
        raise ValueError(f"Slack takes at most {limit} characters here.")
    return text
