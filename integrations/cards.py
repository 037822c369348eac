"""What a messenger with live messages shows: a card that stays current, its buttons, and the forms they open.

Plain text throughout: the messenger escapes it, so that no log line, row or model can ping, forge a link, hide a diff.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Button:
    """One act that a person can take. `value` is an opaque single-use nonce, never a parameter."""

    # The verb: approve, reject, request_changes, restage, undo ...
    verb: str
    label: str
    value: str = ""
    # A link into the console instead of an act.
    url: str = ""
    style: Literal["", "primary", "danger"] = ""
    # Asked before the act, and names its exact effect.
    confirm: str = ""


@dataclass(frozen=True)
class Card:
    """One message. `digest` of it tells whether what is shown is still what should be."""

    # Number and symptom, at most 60 characters; also the text of the notification.
    title: str
    # Two sentences: cause and confidence.
    lead: str
    # Label and value, in a fixed order.
    facts: tuple[tuple[str, str], ...] = ()
    # What happened last, for example "1 of 2 signed: Platform lead 02:58."
    state: str = ""
    buttons: tuple[Button, ...] = ()
    # Small print: the rule that asks, the expiry, the fingerprint in groups of four.
    context: tuple[str, ...] = ()
    # Of the incident in the console.
    link: str = ""


@dataclass(frozen=True)
class Field:
    """One input of a form. `choices` are (value, label); without them it is text."""

    name: str
    label: str
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = True
    multiline: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Form:
    """A modal. `nonce` comes back with what was typed and is all that the server believes of it."""

    verb: str
    title: str
    intro: str
    submit: str
    nonce: str
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class Posted:
    """Where a card is: enough to change it in place and to answer in its thread."""

    channel: str
    id: str


@dataclass(frozen=True)
class Member:
    """What the messenger knows of an account; `trouble` says in words why it may never decide, empty where it may."""

    team: str
    id: str
    name: str
    email: str = ""
    trouble: str = ""
