"""How often something may be tried, counted in the database: it holds over all processes and restarts.

A try is a row that is written before it is counted, so that many at once cannot all be the last one that is allowed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from django.db.models import Min
from django.db.models.functions import Now

from app.core import clock
from app.core.errors import TooMany
from app.core.models import Attempt

WITHIN = timedelta(minutes=15)
A_MINUTE = 1_000  # decisions of one person: far above any hand, below what would fill the trail
PRESSED = "Too many decisions within a minute. Nothing was decided; wait a little."
KEPT = timedelta(hours=1)  # rows that count no more
IPV6_NETWORK = 64  # bits: what one caller is given


def spend(what: str, counted: Mapping[str, int], *, within: timedelta = WITHIN, words: str = "") -> list[int]:
    """Take one try at `what` from each of `counted` (whom it is counted for: how many within the time).

    Returns what `give_back` wants. Raises TooMany, with the seconds to wait, and takes nothing where one is used up.
    """
    Attempt.objects.filter(at__lt=Now() - KEPT).delete()
    keys = [(_key(what, whom), most) for whom, most in counted.items()]
    made = [row.pk for row in Attempt.objects.bulk_create([Attempt(key=key) for key, _ in keys])]
    for key, most in keys:
        recent = Attempt.objects.filter(key=key, at__gt=Now() - within)
        if recent.count() > most:
            first = recent.exclude(pk__in=made).aggregate(at=Min("at"))["at"]
            give_back(made)
            left = (first + within - clock.now()).total_seconds() if first else within.total_seconds()
            raise TooMany(words, retry_after_s=max(1, math.ceil(left)))
    return made


def give_back(tries: list[int]) -> None:
    """It succeeded, so it does not count."""
    Attempt.objects.filter(pk__in=tries).delete()


def pace(what: str, person: object, ip: str) -> None:
    """Take one of the decisions that a person, and an address, may press in a minute. Raises TooMany."""
    spend(what, {f"person {person}": A_MINUTE, caller(ip): A_MINUTE * 2}, within=timedelta(minutes=1), words=PRESSED)


def caller(ip: str) -> str:
    """Whom an address stands for: of IPv6 its network, because one caller has all of it."""
    try:
        address = ip_address(ip)
    except ValueError:
        return f"address {ip}"
    if isinstance(address, IPv6Address) and not address.ipv4_mapped:
        return f"address {ip_network((address, IPV6_NETWORK), strict=False)}"
    return f"address {getattr(address, 'ipv4_mapped', None) or address}"


def _key(what: str, whom: str) -> str:
    return hashlib.sha256(f"{what}\0{whom}".encode(errors="replace")).hexdigest()
