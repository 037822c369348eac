"""The two forms that a button of the live message opens, and what comes back from them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from approvals.decide import REASONS
from approvals.live.view import line
from approvals.models import Proposal
from integrations.cards import Field, Form
from integrations.untrusted import text

ANOTHER, PEOPLE = "another", "people"
LIMIT = 10_000  # characters of what was typed


@dataclass(frozen=True)
class Typed:
    """What a person sent with a form, as a decision takes it."""

    reason: str = ""
    comment: str = ""
    another_way: bool = False


def reject(proposal: Proposal, nonce: str) -> Form:
    return Form(
        verb="reject",
        title=f"Reject proposal {proposal.number}",
        intro=f"{proposal.incident}: {line(proposal.title, 400)}. Nothing changes in production.",
        submit="Reject",
        nonce=nonce,
        fields=(
            Field("reason", "Why?", tuple(REASONS.items())),
            Field(
                "note",
                "What should it have known?",
                required=False,
                multiline=True,
                hint="Needed only for Other. Saved as the draft of a note, with your name.",
            ),
            Field("then", "Then", ((ANOTHER, "Try another way"), (PEOPLE, "Leave it to me"))),
        ),
    )


def request_changes(proposal: Proposal, nonce: str) -> Form:
    return Form(
        verb="request_changes",
        title="Ask for changes",
        intro=f"Proposal {proposal.number} of {proposal.incident}: {line(proposal.title, 400)}.",
        submit="Send",
        nonce=nonce,
        fields=(Field("changes", "What must change before you would sign?", multiline=True),),
    )


FORMS = {"reject": reject, "request_changes": request_changes}


def typed(values: Mapping[str, Any]) -> Typed:
    """From what the messenger sent back, whatever is in it."""
    words = text(values.get("note"), LIMIT) or text(values.get("changes"), LIMIT)
    return Typed(text(values.get("reason"), 20), words, values.get("then") == ANOTHER)
