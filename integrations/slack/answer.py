"""What Slack is told at once, by either way in."""

from __future__ import annotations

from integrations.values import Json


def answer(payload: Json) -> Json:
    """A form that was sent closes, whatever becomes of it; everything else needs no words."""
    return {"response_action": "clear"} if payload.get("type") == "view_submission" else {}
