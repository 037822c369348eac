"""What stands in the way of a connection, as its page says it. Whoever speaks through it finds out and says so."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from integrations.errors import Gone, IntegrationError
from integrations.models import Connection


def hindered(connection: Connection, error: IntegrationError, wait_s: float) -> None:
    """Of a revoked grant, a channel that is gone, a limit, an other side that is away; nothing for a single message."""
    what = _what(error)
    if what:
        until = Now() + timedelta(seconds=wait_s)
        said = {"trouble": what, "trouble_said": str(error), "trouble_until": until}
        Connection.objects.filter(pk=connection.pk).update(**said)


def well(connection: Connection) -> None:
    """Something went through."""
    if connection.trouble:
        rows = Connection.objects.filter(pk=connection.pk).exclude(trouble="")
        rows.update(trouble="", trouble_said="", trouble_until=None)


def _what(error: IntegrationError) -> str:
    if isinstance(error, Gone):
        return "" if error.what == "message" else error.what
    if error.permanent:
        return ""
    return "limited" if "retry_after_s" in vars(error) else "away"  # a pause of its own is one that it asked for
