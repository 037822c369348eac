"""Tool definitions are pinned by the hash of the whole of them; one that changed is out of use until a person looks."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from app.core import audit
from app.core.audit import SYSTEM, Actor, Source
from app.core.errors import Invalid
from app.core.models import User
from app.core.roles import require
from app.gateway.definitions import ALL, Definition
from incidents.agent.records import ToolPin


def in_use(definitions: Iterable[Definition]) -> list[Definition]:
    """Those of them that read as a person last saw them. The first start pins what was installed."""
    pins = {pin.name: pin for pin in ToolPin.objects.all()}
    if not pins:
        pins = _installed()
    return [one for one in definitions if _unchanged(one, pins.get(one.name))]


def quarantined() -> list[ToolPin]:
    """Tools that wait for a person, as they were and as they are."""
    in_use(ALL.values())
    return list(ToolPin.objects.exclude(changed_digest="").order_by("name"))


def trust(pin: ToolPin, digest: str, *, by: User, actor: Actor, source: Source) -> None:
    """A person looked at the change whose digest this is. Raises Invalid when it reads differently by now."""
    require(by, "connection.manage")
    if pin.changed is None or pin.changed_digest != digest:
        raise Invalid("The tool reads differently by now. Look at it again.")
    with transaction.atomic():
        ToolPin.objects.filter(pk=pin.pk).update(
            digest=digest, definition=pin.changed, changed_digest="", changed=None, trusted_by=by
        )
        detail = {"before": pin.digest, "after": digest}
        audit.record("tool.trusted", pin.name, actor=actor, source=source, detail=detail)


def _installed() -> dict[str, ToolPin]:
    rows = [ToolPin(name=one.name, digest=one.digest, definition=one.as_json()) for one in ALL.values()]
    ToolPin.objects.bulk_create(rows, ignore_conflicts=True)
    return {pin.name: pin for pin in ToolPin.objects.all()}


def _unchanged(definition: Definition, pin: ToolPin | None) -> bool:
    if pin is not None and pin.digest == definition.digest:
        return True
    if pin is None or pin.changed_digest != definition.digest:
        _quarantine(definition)
    return False


def _quarantine(definition: Definition) -> None:
    now = {"changed_digest": definition.digest, "changed": definition.as_json()}
    with transaction.atomic():
        pin, _ = ToolPin.objects.update_or_create(
            name=definition.name, defaults=now, create_defaults={**now, "digest": "", "definition": {}}
        )
        detail = {"before": pin.digest, "after": definition.digest}
        audit.record("tool.quarantined", definition.name, actor=SYSTEM, source="agent", detail=detail)
