"""Archive an entry instead of deleting it, and bring one back."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from app.core import audit
from app.core.audit import Actor, Source
from app.core.errors import Invalid
from app.core.models import User
from knowledge.models import Entry
from knowledge.rights import InForce, require_edit, require_safe
from knowledge.write import Content, in_force


def archive(entry: Entry, *, by: User, actor: Actor, source: str | Source, reason: str = "") -> Entry:
    """No diagnosis uses it any more; its versions and citations stay. Raises NotAllowed, Invalid."""
    return _move(entry, "archived", "knowledge.archived", by=by, actor=actor, source=source, reason=reason)


def restore(entry: Entry, *, by: User, actor: Actor, source: str | Source) -> Entry:
    """An archived one becomes a draft again, to be signed. Raises NotAllowed, Invalid."""
    return _move(entry, "draft", "knowledge.restored", by=by, actor=actor, source=source)


def _move(
    entry: Entry, to: str, event: str, *, by: User, actor: Actor, source: str | Source, reason: str = ""
) -> Entry:
    require_edit(by, entry)
    with transaction.atomic():
        live = Entry.objects.select_for_update().get(pk=entry.pk)
        before = live.state
        if (before == "archived") == (to == "archived"):
            raise Invalid("It is archived already." if to == "archived" else "It is not archived.")
        require_safe(by, in_force(Content.of(live), before), InForce(), own=live.author_id == by.pk)
        Entry.objects.filter(pk=live.pk).update(state=to, updated_at=Now())
        audit.record(event, live, actor=actor, source=source, before=before, after=to, reason=reason)
    live.refresh_from_db()
    return live
