"""Is this process alive, and is it ready to serve?"""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET


@require_GET
def alive(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@require_GET
def ready(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and is migrated, else 503 with what is missing."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM approvals_proposal LIMIT 1")
    except DatabaseError as error:
        return JsonResponse({"status": "not ready", "database": error.__class__.__name__}, status=503)
    return JsonResponse({"status": "ready"})
