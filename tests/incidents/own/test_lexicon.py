"""A signature that a team wrote is used by the next diagnosis, and no more once it is archived."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from app.core.errors import Invalid, NotAllowed, Stale
from app.core.models import AuditRecord
from incidents.classify import classify
from incidents.diagnose import diagnose
from incidents.models import Diagnosis, Incident
from incidents.own import write
from incidents.own.lexicon import lexicon
from incidents.own.models import OwnSignature
from incidents.signatures import built_in
from tests.gateway_fixture import gateway
from tests.incidents.diagnosing import World
from tests.incidents.own.writing import LOG, candidate, who

__all__ = ["gateway"]


@pytest.fixture
def world(tmp_path: Path, gateway: None) -> World:
    return World(tmp_path)


def failed(world: World, log: str) -> Incident:
    job = world.asset("dbt", "build", kind="job")
    good = world.commit("Begin", models__bounds="select 1")
    world.run(job, commit=good)
    asset = world.asset("engine", "main.bounds", path="models/bounds.sql")
    return world.failure(asset, "the load failed", job=job, commit=good, log=log)


def concluded(incident: Incident) -> Diagnosis:
    made = diagnose(incident)
    assert made is not None
    return made


def test_it_changes_a_diagnosis_and_archived_it_does_not(world: World, approver: Any) -> None:
    log = f"02:47:00 ERROR disk quota exceeded on /tmp\n{LOG}"
    assert concluded(failed(world, log)).failure_class == "infrastructure"
    row = write.create(candidate(), **who(approver))
    made = concluded(failed(world, log))
    assert (made.failure_class, made.subtype) == ("transient", "service_unavailable")
    told = made.incident.evidence.filter(kind="signature").values_list("body__id", "body__groups__feed")
    assert ("own/partner-feed-busy@1", "12") in list(told)
    write.archive(row, **who(approver))
    assert concluded(failed(world, log)).failure_class == "infrastructure"


def test_of_one_rank_it_is_tried_before_those_of_the_files_and_a_symptom_after_their_causes(approver: Any) -> None:
    line = "java.lang.OutOfMemoryError: Java heap space in partner feed 7"
    write.create(candidate(pattern=r"heap space in partner feed (?P<feed>\d+)", subtype="logic"), **who(approver))
    assert classify(line).subtype.name == "out_of_memory"  # type: ignore[union-attr]
    assert classify(line, lexicon=lexicon()).subtype.name == "logic"  # type: ignore[union-attr]
    row = OwnSignature.objects.get()
    weak = candidate(pattern=r"heap space in partner feed (?P<feed>\d+)", subtype="logic", rank="symptom")
    write.update(row, weak, version=1, **who(approver))
    assert classify(line, lexicon=lexicon()).subtype.name == "out_of_memory"  # type: ignore[union-attr]


def test_each_change_is_noticed_and_costs_one_query(approver: Any) -> None:
    assert lexicon() is built_in()
    row = write.create(candidate(), **who(approver))
    first = lexicon()
    assert first.signatures[0].id == "own/partner-feed-busy@1"
    with CaptureQueriesContext(connection) as asked:
        assert lexicon() is first
    assert len(asked) == 1
    row = write.update(row, candidate(means="Wait for it."), version=1, **who(approver))
    assert lexicon().signatures[0].means == "Wait for it."
    write.archive(row, **who(approver))
    assert lexicon().signatures == built_in().signatures
    write.take_back(row, **who(approver))
    assert lexicon().signatures[0].id == "own/partner-feed-busy@2"


def test_a_hundred_of_them_cost_a_diagnosis_no_further_query(world: World, approver: Any) -> None:
    incidents = [failed(world, LOG) for _ in range(3)]
    write.create(candidate(), **who(approver))
    concluded(incidents[0])
    with CaptureQueriesContext(connection) as few:
        concluded(incidents[1])
    for number in range(100):
        own = candidate(name=f"feed-{number}", pattern=f"feed {number} of the partner is closed")
        OwnSignature.objects.create(author=approver, **own.content)
    assert len(lexicon().signatures) == len(built_in().signatures) + 101
    with CaptureQueriesContext(connection) as many:
        concluded(incidents[2])
    assert len(many) == len(few)


def test_one_that_an_upgrade_no_longer_understands_is_left_out(approver: Any) -> None:
    for name, fields in {"old": {"subtype": "gone"}, "wide": {"pattern": "(?!no)such thing"}, "good": {}}.items():
        OwnSignature.objects.create(author=approver, **candidate(name=name, **fields).content)
    assert [one.id for one in lexicon().signatures if one.is_own] == ["own/good@1"]


def test_every_version_and_who_wrote_it_is_kept(approver: Any, administrator: Any) -> None:
    row = write.create(candidate(), **who(approver))
    write.update(row, candidate(rank="general"), version=1, **who(administrator))
    with pytest.raises(Stale, match="Version 2 was saved meanwhile"):
        write.update(row, candidate(rank="symptom"), version=1, **who(approver))
    kept = [(one.number, one.by, one.content["rank"]) for one in OwnSignature.objects.get().versions.all()]
    assert kept == [(2, administrator, "general"), (1, approver, "cause")]
    write.archive(row, **who(approver))
    with pytest.raises(Invalid, match="archived already"):
        write.archive(row, **who(approver))
    with pytest.raises(Invalid, match="Take it back first"):
        write.update(row, candidate(rank="symptom"), version=2, **who(approver))
    write.take_back(row, **who(approver))
    events = AuditRecord.objects.filter(event__startswith="signature.").order_by("pk")
    assert [one.event.split(".")[1] for one in events] == ["written", "changed", "archived", "restored"]
    assert [one.subject["name"] for one in events] == ["partner-feed-busy"] * 4
    assert events[1].detail["version"] == 2


def test_a_name_is_there_once(approver: Any) -> None:
    write.create(candidate(), **who(approver))
    with pytest.raises(Invalid, match="called partner-feed-busy already"):
        write.create(candidate(), **who(approver))
    other = write.create(candidate(name="other"), **who(approver))
    with pytest.raises(Invalid, match="called partner-feed-busy already"):
        write.update(other, candidate(), version=1, **who(approver))


def test_there_is_room_for_so_many_in_use(approver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "MOST", 1)
    row = write.create(candidate(), **who(approver))
    with pytest.raises(Invalid, match="Archive one first"):
        write.create(candidate(name="second"), **who(approver))
    write.archive(row, **who(approver))
    write.create(candidate(name="second"), **who(approver))
    with pytest.raises(Invalid, match="Archive one first"):
        write.take_back(row, **who(approver))


@pytest.mark.parametrize("role", ["viewer", "operator", "auditor", "outsider"])
def test_only_those_who_manage_knowledge_write_one(request: Any, role: str) -> None:
    with pytest.raises(NotAllowed):
        write.create(candidate(), **who(request.getfixturevalue(role)))
    assert not OwnSignature.objects.exists()
