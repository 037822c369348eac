"""Who may do what: one table. Objects are scoped in the queryset; this decides on verbs."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from app.core.errors import NotAllowed
from app.core.models import User

VIEWER, OPERATOR, APPROVER, AUDITOR, ADMINISTRATOR = "viewer", "operator", "approver", "auditor", "administrator"
ROLES = [VIEWER, OPERATOR, APPROVER, AUDITOR, ADMINISTRATOR]

# permission -> roles that have it. A Django superuser has none of them for being one.
PERMISSIONS: dict[str, set[str]] = {
    "incident.read": {VIEWER, OPERATOR, APPROVER, AUDITOR, ADMINISTRATOR},
    "incident.work": {OPERATOR, APPROVER},  # assign, comment, resolve, re-diagnose, re-stage
    "proposal.decide": {APPROVER},
    "execution.undo": {APPROVER},
    "policy.read": {VIEWER, OPERATOR, APPROVER, AUDITOR, ADMINISTRATOR},  # and try another one on the past
    "policy.propose": {ADMINISTRATOR},
    "policy.sign": {APPROVER, ADMINISTRATOR},  # never one's own
    "knowledge.read": {VIEWER, OPERATOR, APPROVER, AUDITOR, ADMINISTRATOR},
    "knowledge.write": {OPERATOR, APPROVER, ADMINISTRATOR},  # one's own and what one owns
    "knowledge.manage": {APPROVER, ADMINISTRATOR},  # everybody's
    "knowledge.loosen": {ADMINISTRATOR},  # hints that let something pass that would be stopped or asked about
    "audit.read": {AUDITOR, ADMINISTRATOR, APPROVER},
    "audit.export": {AUDITOR, ADMINISTRATOR},
    "connection.read": {OPERATOR, APPROVER, AUDITOR, ADMINISTRATOR},
    "connection.manage": {ADMINISTRATOR},
    "people.manage": {ADMINISTRATOR},
    "kill_switch.press": {OPERATOR, APPROVER, ADMINISTRATOR},
    "kill_switch.lift": {APPROVER, ADMINISTRATOR},
    "freeze.manage": {ADMINISTRATOR},
    "account.own": {VIEWER, OPERATOR, APPROVER, AUDITOR, ADMINISTRATOR},  # accounts in messengers, what one hears of
    "token.own": {VIEWER, OPERATOR, APPROVER, AUDITOR, ADMINISTRATOR},
    "sign_in.own": {VIEWER, OPERATOR, APPROVER, AUDITOR, ADMINISTRATOR},
}

SCOPES = ["read", "propose", "decide"]


def may(user: User | AnonymousUser, permission: str) -> bool:
    """Whether an active user has `permission`; an unknown permission raises KeyError."""
    allowed = PERMISSIONS[permission]
    return isinstance(user, User) and user.is_active and not allowed.isdisjoint(user.roles)


def require(user: User | AnonymousUser, permission: str) -> None:
    """Raises NotAllowed, naming the roles that could."""
    if not may(user, permission):
        who = ", ".join(sorted(PERMISSIONS[permission]))
        raise NotAllowed(f"This needs one of the roles: {who}. Ask an administrator under Settings › People.")
