"""What is read is what is there: hidden characters shown as their code points, on the pages and in messages alike."""

from __future__ import annotations

import unicodedata

KEPT = "\n\t"  # characters of category C that a reader can see the effect of


def visible(value: object) -> str:
    """Hidden characters as their code points. Escaping is left to whoever shows it."""
    text = "" if value is None else str(value).replace("\r\n", "\n")
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    # Cf holds the bidirectional and zero-width characters, Cc the terminal's escapes, Co and Cn what no font agrees on.
    hidden = unicodedata.category(char) in {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"} or "\ufe00" <= char <= "\ufe0f"
    return f"⟨U+{ord(char):04X}⟩" if hidden and char not in KEPT else char
