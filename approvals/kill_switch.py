"""Stop executions, and let them go on: a row in PostgreSQL, so that it works with the broker down."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from app.core import audit
from app.core.audit import Actor, Source
from app.core.errors import CountersignError, Invalid, NotAllowed
from app.core.models import User
from app.core.roles import require
from approvals.models import KillSwitch
from approvals.plan import Plan

SCOPES = ("connection:", "action:", "asset:")  # and `all`


class Halted(CountersignError):
    """The kill switch is on."""

    status, code = 409, "halted"


def scopes_on(most: int = 5) -> list[str]:
    """What is stopped now, the oldest first."""
    return list(KillSwitch.objects.filter(lifted_at=None).order_by("pk").values_list("scope", flat=True)[:most])


def scopes_of(plan: Plan) -> list[str]:
    """Every scope that covers this plan."""
    scopes = ["all", f"action:{plan.action}", *(f"action:{step.action}" for step in plan.steps)]
    scopes += [f"connection:{step.connection}" for step in plan.steps if step.connection]
    return [*scopes, *(f"asset:{uri}" for uri in {*plan.targets, plan.root_asset})]


def require_scope(scope: str) -> None:
    """Raises Invalid for what is no scope."""
    if scope != "all" and not (scope.startswith(SCOPES) and scope.partition(":")[2]):
        raise Invalid("A scope is `all`, `connection:<name>`, `action:<name>` or `asset:<uri>`.")


def stopped(plan: Plan) -> str | None:
    """The scope of a switch that is on and covers this plan, None when there is none."""
    rows = KillSwitch.objects.filter(scope__in=scopes_of(plan), lifted_at=None).order_by("pk")
    return rows.values_list("scope", flat=True).first()


def require_off(plan: Plan) -> None:
    """Raises Halted when a switch covers this plan: asked once more as the last thing before each effect."""
    if scope := stopped(plan):
        raise Halted(f"The kill switch is on for {scope}.")


def press(scope: str, *, by: User, actor: Actor, source: Source, reason: str = "") -> KillSwitch:
    """Stop all executions within `scope` before their next effect. Pressed twice it is on once."""
    require(by, "kill_switch.press")
    require_scope(scope)
    with transaction.atomic():
        try:
            with transaction.atomic():
                switch = KillSwitch.objects.create(scope=scope, reason=reason[:300], pressed_by=by)
        except IntegrityError:
            return KillSwitch.objects.get(scope=scope, lifted_at=None)
        audit.record("kill_switch.on", scope, actor=actor, source=source, reason=reason, detail={"switch": switch.pk})
    return switch


def lift(switch: KillSwitch, *, by: User, actor: Actor, source: Source, reason: str = "") -> None:
    """Let executions go on. A second person does it; who pressed it does not, whatever their roles."""
    require(by, "kill_switch.lift")
    if switch.pressed_by_id == by.pk:
        error = NotAllowed("You pressed it, so another person must lift it.")
        words = {"outcome": "denied", "error_code": error.code, "reason": str(error)}
        audit.record("access.denied", f"kill switch {switch.scope}", actor=actor, source=source, **words)  # type: ignore[arg-type]
        raise error
    with transaction.atomic():
        live = KillSwitch.objects.filter(pk=switch.pk, lifted_at=None)
        if live.update(lifted_at=Now(), lifted_by=by):
            audit.record(
                "kill_switch.off", switch.scope, actor=actor, source=source, reason=reason, detail={"switch": switch.pk}
            )
