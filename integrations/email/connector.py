"""E-mail by the SMTP settings: plain text with a link."""

from __future__ import annotations

import re
from smtplib import SMTPException, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.message import BadHeaderError

from integrations.errors import Refused, Unreachable
from integrations.ports import Wiring
from integrations.values import Health, Notice

_LINES = re.compile(r"[\r\n]+")


class Connector:
    """Needs no connection row: the server is in the settings (COUNTERSIGN_SMTP_*)."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring

    def post(self, notice: Notice) -> str:
        """Raises Refused for an address that the server will not take, Unreachable when the server is away."""
        subject = _LINES.sub(" ", notice.subject)
        mail = EmailMessage(subject, f"{notice.text}\n\n{notice.link}\n", to=[notice.to])
        try:
            mail.send()
        except (SMTPRecipientsRefused, BadHeaderError) as error:
            raise Refused(f"The mail server does not take {notice.to}.") from error
        except (SMTPException, OSError) as error:
            raise Unreachable(f"The mail server did not take it: {error.__class__.__name__}") from error
        return ""

    def test(self) -> Health:
        if not settings.EMAIL_HOST:
            hint = "Set COUNTERSIGN_SMTP_HOST to send it."
            return Health(True, "Mail is written to the folder mail in the data folder.", hint)
        server = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
        try:
            with get_connection():
                return Health(True, f"The mail server {server} answers.")
        except (SMTPException, OSError) as error:
            hint = "Set COUNTERSIGN_SMTP_HOST and COUNTERSIGN_SMTP_PORT."
            return Health(False, f"The mail server {server} does not answer: {error.__class__.__name__}", hint)
