"""Which day of a table is missing, where its last load brought nothing."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from incidents.models import Asset, AssetProfile
from integrations.values import Json


def missing_day(asset: Asset, before: datetime) -> str:
    """The day (ISO) that the load at `before` should have brought, by the step of the loads before it.

    Empty where the table has no date, or too little past to tell.
    """
    rows = AssetProfile.objects.filter(asset=asset, scope="load", is_known_bad=False, at__lt=before).order_by("-at")[:3]
    days = [newest for row in rows if (newest := newest_day(row.profile))]
    if len(days) < 2:
        return ""
    last, one_before = date.fromisoformat(days[0]), date.fromisoformat(days[1])
    return (last + max(last - one_before, timedelta(days=1))).isoformat()


def newest_day(profile: Json) -> str:
    """Of the rows that a profile counted by day; empty where there are none."""
    days = (profile.get("totals") or {}).get("*") or {}
    return max(days, default="")
