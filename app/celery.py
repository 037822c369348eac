"""The Celery application: three queues, doorbells only (reliability.md, section 3)."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from celery import Celery
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from kombu.entity import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "app.settings")

LIMIT, VISIBILITY = 600, 900  # seconds; VISIBILITY >= LIMIT + 60, held by a test: else a task would run beside itself
broker = settings.BROKER_URL
if not broker.startswith(("redis://", "rediss://", "amqp://", "amqps://", "unix://", "redis+socket://")):
    raise ImproperlyConfigured("BROKER_URL must be Redis, Valkey or RabbitMQ: others lose a message with its worker.")
rabbit = broker.startswith("amqp")

# A bell does not wait for a dead broker, because pages ring and the sweep rings again.
ONCE: dict[str, Any] = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
REDIS: dict[str, Any] = {
    **ONCE,
    "visibility_timeout": VISIBILITY,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
}
RABBIT: dict[str, Any] = {**ONCE, "confirm_publish": True}
QUORUM = {"x-queue-type": "quorum"}

app = Celery("countersign", broker=broker)
app.conf.update(
    broker_transport_options=RABBIT if rabbit else REDIS,
    result_backend_transport_options={"visibility_timeout": VISIBILITY},
    visibility_timeout=VISIBILITY,
    task_default_queue_type="quorum" if rabbit else "classic",
    worker_detect_quorum_queues=True,
    task_queues=[Queue(name, queue_arguments=QUORUM if rabbit else {}) for name in ("act", "diagnose", "tell")],
    task_default_queue="act",
    task_routes={
        "incidents.tasks.*": {"queue": "diagnose"},
        # a queue of its own: a form in Slack opens within three seconds or never, and a publish takes minutes
        "approvals.tasks.live": {"queue": "tell"},
        "approvals.tasks.acts": {"queue": "tell"},
    },
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    task_soft_time_limit=LIMIT - 30,
    task_time_limit=LIMIT,
    worker_soft_shutdown_timeout=4,  # seconds, below the launcher's grace period
    task_serializer="json",
    accept_content=["json"],
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=2,
    timezone="UTC",
    beat_schedule={
        # each entry rings; the steps are idempotent, so that two beats cannot mean two of anything
        "sweep": {"task": "app.tasks.sweep", "schedule": timedelta(seconds=settings.SWEEP_S)},  # bells get lost
        "drain": {"task": "incidents.tasks.drain", "schedule": timedelta(seconds=5)},  # events whose bell was lost
        "seal": {"task": "app.tasks.seal", "schedule": timedelta(seconds=3)},  # an unsealed record is unprotected
        "seal-all": {
            "task": "app.tasks.seal",
            "schedule": timedelta(hours=1),
            "args": [True],
        },  # ids commit out of order
        "watch": {"task": "incidents.tasks.watch", "schedule": timedelta(minutes=5)},  # late loads, tables without runs
        "deadlines": {"task": "approvals.tasks.deadlines", "schedule": timedelta(seconds=5)},  # expiry, windows
        "send": {"task": "approvals.tasks.send", "schedule": timedelta(seconds=5)},  # messages that failed before
        "live": {"task": "approvals.tasks.live", "schedule": timedelta(seconds=2)},  # live messages whose bell was lost
        "acts": {"task": "approvals.tasks.acts", "schedule": timedelta(seconds=2)},  # acts whose bell was lost
        "remind": {"task": "knowledge.tasks.remind", "schedule": timedelta(hours=1)},  # each entry once a week
        "embed": {"task": "knowledge.tasks.embed", "schedule": timedelta(minutes=1)},  # vectors whose bell was lost
        "sync": {"task": "knowledge.tasks.sync", "schedule": timedelta(minutes=5)},  # notes in repositories
        "canary": {"task": "app.tasks.canary", "schedule": timedelta(seconds=30)},  # a worker can be up and deaf
    },
)
app.autodiscover_tasks(["app", "incidents", "approvals", "integrations", "knowledge"])
