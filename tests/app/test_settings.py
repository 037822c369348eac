"""Settings that hold each other up, and the production profile."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from app.celery import LIMIT, VISIBILITY, app
from app.core.checks import keys, leases
from app.core.models import AuditRecord, User
from tests.processes import ROOT, environment

HEAVY = {"langchain", "mcp", "pyiceberg", "duckdb", "dbt", "pyarrow", "slack_sdk"}


def test_no_message_is_given_out_again_while_its_task_may_run() -> None:
    conf = app.conf
    told = {
        conf.broker_transport_options.get("visibility_timeout", VISIBILITY),
        conf.result_backend_transport_options["visibility_timeout"],
        conf.visibility_timeout,
    }
    assert told == {VISIBILITY}
    assert conf.task_time_limit + 60 <= VISIBILITY
    assert (conf.task_time_limit, conf.task_acks_late, conf.task_reject_on_worker_lost) == (LIMIT, True, True)


def test_a_missing_key_and_a_late_heartbeat_are_named_with_what_to_do(settings: object) -> None:
    settings.AUDIT_KEY, settings.HEARTBEAT_S = "", 4  # type: ignore[attr-defined]
    assert [(one.id, bool(one.hint)) for one in [*keys(None), *leases(None)]] == [
        ("countersign.E001", True),
        ("countersign.E005", True),
    ]


@pytest.mark.django_db
def test_the_production_profile_passes_the_deployment_checks() -> None:
    own = environment(COUNTERSIGN_URL="https://countersign.example", COUNTERSIGN_HOSTS="countersign.example")
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.django_db
def test_the_site_starts_without_the_heavy_engines() -> None:
    code = "import sys, app.wsgi, app.urls; print(*sys.modules)"
    own = environment()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert HEAVY & {name.split(".")[0] for name in done.stdout.split()} == set()


@pytest.mark.django_db
def test_a_person_can_be_added_from_the_host(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("user", "add", "ben", "--email", "ben@example.com", "--role", "approver", "--on-call")
    assert "/welcome/" in capsys.readouterr().out
    assert (User.objects.get().roles, AuditRecord.objects.get().event) == (["approver"], "person.created")
    with pytest.raises(CommandError, match="already"):
        call_command("user", "add", "ben", "--email", "ben@example.com", "--role", "approver")
