"""What `manage.py doctor` looks at in the database: server, extension, migrations, roles, queues, audit trail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Exists, Min, OuterRef
from django.db.models.functions import Now

from app.core.models import AuditRecord, AuditSeal, Canary
from app.launcher import grants
from app.launcher.checkup import NOT_KNOWN, Check, Finding
from app.launcher.external import LEAST_VERSION
from app.launcher.folder import DataFolder
from integrations.llm.config import EMBEDDING
from integrations.models import Connection
from knowledge import vectors

QUEUES = ("act", "diagnose", "tell")
DEAF_AFTER = timedelta(seconds=90)  # three canaries of 30 s
UNSEALED_AFTER = timedelta(seconds=60)  # sealing is rung every 3 s


def server(folder: DataFolder) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('server_version_num')::int")
        version, number = cursor.fetchone()
        old = number < LEAST_VERSION
        yield Finding(
            "database", f"PostgreSQL {version}", "upgrade the server to PostgreSQL 15 or later." if old else ""
        )
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm')")
        present = cursor.fetchone()[0]
    said = "pg_trgm is there" if present else "pg_trgm is missing"
    yield Finding("database", said, "" if present else "run as the owner: CREATE EXTENSION pg_trgm;")


def meaning(folder: DataFolder) -> Iterator[Finding]:
    """Only where somebody wants vectors."""
    if Connection.objects.filter(kind=EMBEDDING, enabled=True).exists():
        why = vectors.refusal()
        yield Finding("vectors", "pgvector is missing" if why else "pgvector keeps the vectors of notes", why)


def migrations(folder: DataFolder) -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    said = f"{waiting} migrations wait" if waiting else "every migration is applied"
    remedy = "stop and start `manage.py up`, or run `manage.py migrate` as the owner role." if waiting else ""
    yield Finding("database", said, remedy)


def roles(folder: DataFolder) -> Iterator[Finding]:
    """Whoever we are in the processes, we must not be able to change the audit trail."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        role, database = cursor.fetchone()
        excess = [
            f"{privilege} on {table}"
            for table in grants.AUDIT_TABLES
            for privilege in ("UPDATE", "DELETE", "TRUNCATE")
            if _may(cursor, role, table, privilege)
        ]
    if not excess:
        yield Finding("roles", f"{role} can add to the audit trail and not change it")
        return
    yield Finding(
        "roles",
        f"{role} may {', '.join(excess[:3])} ...: until this is mended only a trigger and the chain protect the trail",
        "run this as the owner, then set DATABASE_URL to that role and COUNTERSIGN_OWNER_DATABASE_URL to the owner:\n"
        + grants.printable(database, connection.introspection.table_names()),
    )


def _may(cursor: object, role: str, table: str, privilege: str) -> bool:
    question = "SELECT to_regclass(%s) IS NOT NULL AND has_table_privilege(%s, to_regclass(%s)::oid, %s)"
    cursor.execute(question, [table, role, table, privilege])  # type: ignore[attr-defined]
    return bool(cursor.fetchone()[0])  # type: ignore[attr-defined]


def queues(folder: DataFolder) -> Iterator[Finding]:
    fresh = set(Canary.objects.filter(sung_at__gt=Now() - DEAF_AFTER).values_list("queue", flat=True))
    for queue in QUEUES:
        said = (
            f"{queue} is consumed"
            if queue in fresh
            else f"nothing was consumed from {queue} for {DEAF_AFTER.seconds} s"
        )
        remedy = f"read worker-{queue}.log and beat.log; a start needs up to 30 s for its first canary."
        yield Finding("queues", said, "" if queue in fresh else remedy)


def trail(folder: DataFolder) -> Iterator[Finding]:
    sealed = Exists(AuditSeal.objects.filter(record_id=OuterRef("id")))
    late = AuditRecord.objects.filter(~sealed, time__lt=Now() - UNSEALED_AFTER)
    oldest = late.aggregate(oldest=Min("time"))["oldest"]
    if oldest is None:
        yield Finding("audit", "every record older than a minute is sealed")
        return
    said = f"unsealed since {oldest:%Y-%m-%d %H:%M} UTC"
    yield Finding("audit", said, "see that beat and worker-act run; then `manage.py audit_verify`.")


CHECKS: tuple[Check, ...] = (server, migrations, meaning, roles, queues, trail)


def database(folder: DataFolder) -> Iterator[Finding]:
    """All of the above; one finding when the server cannot be reached, and one when a table is missing."""
    if "DATABASE_URL" not in os.environ:
        yield Finding("database", "not known", NOT_KNOWN)
        return
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        yield Finding("database", f"does not answer: {said}", "start with `manage.py up`, or check DATABASE_URL.")
        return
    for check in CHECKS:
        try:
            yield from check(folder)
        except DatabaseError as error:
            yield Finding(check.__name__, str(error).strip().splitlines()[0], "run `manage.py up` once: it migrates.")
