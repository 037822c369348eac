"""Errors of our own, each with the status code that its reader gets.

CountersignError
  IllegalMove 409       the lifecycle forbids this move
  LostRace 409          someone else was first
  NotAllowed 403        this person, token or process may not
  Stale 409             what was shown is not what is there now: fingerprint or base moved
  Expired 410           the deadline passed
  Invalid 422           the request lacks something, and says what
  Blocked 409           the safety layer refuses, whoever asks
  TooMany 429           come back later, and when
"""

from __future__ import annotations


class CountersignError(Exception):
    """Something was refused."""

    status = 400
    code = "error"

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class IllegalMove(CountersignError):
    """This is not possible in the present status."""

    status, code = 409, "illegal_move"


class LostRace(CountersignError):
    """Someone else was first. Reload to see what is there now."""

    status, code = 409, "lost_race"


class NotAllowed(CountersignError):
    """You may not do this."""

    status, code = 403, "not_allowed"


class Stale(CountersignError):
    """What you saw is not what is there now. Read it again before you sign."""

    status, code = 409, "stale"


class Expired(CountersignError):
    """The deadline passed. Stage it again."""

    status, code = 410, "expired"


class Invalid(CountersignError):
    """Something is missing."""

    status, code = 422, "invalid"


class Blocked(CountersignError):
    """The safety rules forbid this, whoever asks."""

    status, code = 409, "blocked"


class TooMany(CountersignError):
    """Too many at once. Send it again later; nothing was kept."""

    status, code = 429, "too_many"

    retry_after_s = 60

    def __init__(self, message: str = "", *, retry_after_s: int = retry_after_s) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
