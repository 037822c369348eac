"""A line of the settings form of a kind of connection."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One line of the settings form."""

    name: str
    label: str
    help: str = ""
    # text, path, json (an object or a list), connection (the name of another one), choice (one of `choices`),
    # secret (goes to the vault), inbound (a secret that web may read, to know who calls)
    kind: str = "text"
    required: bool = True
    default: str = ""
    choices: tuple[str, ...] = ()
