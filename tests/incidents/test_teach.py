from __future__ import annotations

import pytest

from app.core.audit import Actor
from app.core.errors import Invalid, NotAllowed
from app.core.models import AuditRecord, User
from incidents.models import Diagnosis
from incidents.teach import WORDS_LIMIT, teach
from knowledge.models import Entry
from tests import factories


def test_what_the_system_did_not_know_becomes_a_draft_with_what_happened(operator: User) -> None:
    incident = factories.incident("raw.rates is late", "resolved", subtype="stale", resolution="upstream_fixed",
                                  resolution_comment="The bank sent it at noon.")  # fmt: skip
    Diagnosis.objects.create(incident=incident, root_cause="Nothing arrived by seven.", confidence=1)
    told = {"by": operator, "actor": Actor.of(operator), "source": "web"}
    made = teach(incident, " On holidays it comes at noon. ", **told)  # type: ignore[arg-type]
    assert (made.state, made.author, made.incident_number) == ("draft", operator, incident.number)
    assert (made.title, made.rule) == ("On holidays it comes at noon.", "asset = raw.orders\nsubtype = stale")
    for part in ("raw.rates is late", "Nothing arrived by seven.", "upstream fixed. The bank sent it at noon"):
        assert part in made.body
    assert AuditRecord.objects.get(event="knowledge.drafted").correlation == incident.number
    assert teach(incident, "", **told).title == "Nothing arrived by seven."  # type: ignore[arg-type]


def test_a_viewer_teaches_nothing_and_nobody_endlessly(viewer: User, operator: User) -> None:
    incident = factories.incident()
    with pytest.raises(NotAllowed):
        teach(incident, "x", by=viewer, actor=Actor.of(viewer), source="web")
    with pytest.raises(Invalid):
        teach(incident, "x" * (WORDS_LIMIT + 1), by=operator, actor=Actor.of(operator), source="web")
    assert not Entry.objects.exists()
