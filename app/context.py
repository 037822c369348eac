"""What every page of the console needs: the nav's counts, the person, the stream."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def console(request: HttpRequest) -> dict[str, Any]:
    return {"stream_url": settings.STREAM_URL}
