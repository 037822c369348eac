from __future__ import annotations

import pytest

from app.core import audit
from app.core.errors import IllegalMove, LostRace
from app.core.lease import holds, lease
from app.core.lifecycle import advance
from app.core.models import AuditRecord
from tests import factories


@pytest.mark.django_db(transaction=True)
def test_only_one_worker_holds_an_incident_and_each_holder_has_a_higher_epoch() -> None:
    incident = factories.incident()
    with lease(incident, "open") as first:
        with pytest.raises(LostRace), lease(type(incident).objects.get(pk=incident.pk), "open"):
            pass
        assert holds(incident, first)
    with lease(incident, "open") as second:
        assert second == first + 1
        assert not holds(incident, first)


@pytest.mark.django_db(transaction=True)
def test_a_move_that_its_holder_goes_on_from_keeps_the_lease_and_any_other_ends_it() -> None:
    incident = factories.incident()
    with lease(incident, "open", "diagnosing") as epoch:
        advance(incident, "diagnosing", actor=audit.WORKER, source="worker")
        with pytest.raises(LostRace), lease(type(incident).objects.get(pk=incident.pk), "diagnosing"):
            pass
        assert holds(incident, epoch)
        advance(incident, "escalated", actor=audit.WORKER, source="worker")
        assert not holds(incident, epoch)


@pytest.mark.django_db(transaction=True)
def test_a_worker_whose_lease_was_taken_over_moves_nothing_any_more() -> None:
    incident = factories.incident()
    with lease(incident, "open", "diagnosing"):
        type(incident).objects.filter(pk=incident.pk).update(epoch=incident.epoch + 1)
        with pytest.raises(LostRace):
            advance(incident, "diagnosing", actor=audit.WORKER, source="worker")


@pytest.mark.django_db
def test_a_move_is_status_and_record_in_one() -> None:
    incident = factories.incident()
    advance(incident, "diagnosing", actor=audit.WORKER, source="worker")
    record = AuditRecord.objects.get(event="incident.diagnosing")
    assert (record.correlation, record.before, record.after) == (incident.number, "open", "diagnosing")


@pytest.mark.django_db
def test_a_forbidden_move_and_a_lost_race_are_different_errors() -> None:
    incident = factories.incident()
    with pytest.raises(IllegalMove):
        advance(incident, "fixing", actor=audit.WORKER, source="worker")
    type(incident).objects.filter(pk=incident.pk).update(status="resolved")
    with pytest.raises(LostRace):
        advance(incident, "diagnosing", actor=audit.WORKER, source="worker")
