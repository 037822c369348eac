"""Errors of the outside world. Each says what to do next: `permanent` stops, otherwise try again after `retry_after_s`.

IntegrationError
  Unreachable          the other side did not answer; try again
  Unsupported          this engine has no such capability
  Refused              the other side said no; nothing changed
    BaseMoved          production is not what the branch was forked from
    Gone               what it was about is no more: a deleted message, an archived channel, a revoked grant
    PermissionDenied   the other side does not let us; ask its owner, never look for other credentials
  SecretUnavailable    this process may not open the vault
"""

from __future__ import annotations


class IntegrationError(Exception):
    """Something outside did not work."""

    permanent = False
    retry_after_s: float | None = None

    def __init__(self, message: str = "", *, retry_after_s: float | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())
        if retry_after_s is not None:
            self.retry_after_s = retry_after_s


class Unreachable(IntegrationError):
    """The other side did not answer."""

    retry_after_s = 5.0


class Unsupported(IntegrationError):
    """This engine has no such capability."""

    permanent = True


class Refused(IntegrationError):
    """The other side said no; nothing was changed."""

    permanent = True


class BaseMoved(Refused):
    """Production is not what the branch was forked from."""


class Gone(Refused):
    """What this was about is no more."""

    # message (post it anew), channel (it was archived, deleted or left), grant (the token was revoked)
    what: str

    def __init__(self, message: str = "", *, what: str = "message") -> None:
        super().__init__(message)
        self.what = what


class PermissionDenied(Refused):
    """The other side does not let us in. Ask its owner."""


class SecretUnavailable(IntegrationError):
    """This process may not open the vault."""

    permanent = True
