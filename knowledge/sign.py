"""Sign a draft: from then on diagnoses use it."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from app.core import audit
from app.core.audit import Actor, Source
from app.core.errors import Invalid
from app.core.models import User
from app.core.roles import require
from app.core.tasks import ring_after_commit
from knowledge.models import Entry
from knowledge.rights import InForce, require_safe
from knowledge.write import Content, in_force


def sign(entry: Entry, *, version: int, by: User, actor: Actor, source: str | Source) -> Entry:
    """Vouch for `version` of a draft; one without an owner gets `by`.

    Raises NotAllowed (a draft that loosens safety needs an administrator) and Invalid when it is no draft, or another
    version by now.
    """
    require(by, "knowledge.write")
    with transaction.atomic():
        live = Entry.objects.select_for_update().get(pk=entry.pk)
        if live.state != "draft":
            raise Invalid("Only a draft is signed.")
        if live.version != version:
            raise Invalid(f"It is at version {live.version} by now. Read that one first.")
        require_safe(by, InForce(), in_force(Content.of(live), "signed"), own=live.author_id == by.pk)
        ring_after_commit("knowledge.tasks.embed")
        Entry.objects.filter(pk=live.pk).update(state="signed", signed_by=by, owner=live.owner or by, updated_at=Now())
        audit.record(
            "knowledge.signed", live, actor=actor, source=source, before="draft", after="signed",
            detail={"version": version},
        )  # fmt: skip
    live.refresh_from_db()
    return live
