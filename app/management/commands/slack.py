"""`manage.py slack`: hold the lines of Slack connections in Socket Mode; idle while there are none."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from integrations.slack.socket import Listener


class Command(BaseCommand):
    help = "Receive what people do in Slack over Socket Mode, until it is stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write("slack ready.")
        self.stdout.flush()
        Listener().run(stop)
