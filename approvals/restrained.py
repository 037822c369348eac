"""What notes say about a plan before anybody may sign it: what it must not touch, and who must sign it too."""

from __future__ import annotations

from collections.abc import Iterable

from app.core import audit
from app.core.audit import Actor, Source
from app.core.canonical import sha256
from approvals import safety
from approvals.affected import assets_of, ref_of
from approvals.models import Decision, Proposal
from approvals.plan import Plan
from incidents.lineage import above
from incidents.models import Asset, Incident
from knowledge.hints import DoNotTouch, MustApprove
from knowledge.restraints import Restraint, restraints
from knowledge.rule import Case

TOUCHING = {"publish", "rerun"}  # kinds of step after which production is not what it was
ROLE = "role:"


def refusals(plan: Plan) -> tuple[str, ...]:
    """Why this plan may not be carried out, whoever signs it: the safety rules, then what notes forbid to touch."""
    return (*safety.verdict(plan), *untouchable(plan))


def told(refused: tuple[str, ...], plan: Plan, incident: Incident, actor: Actor, source: Source) -> None:
    """Write down that a plan was refused before it became a proposal: why, and its sha256 in place of its content."""
    audit.record(
        "plan.refused", incident, actor=actor, source=source, reason=" ".join(refused), outcome="denied",
        error_code=safety.code_of(refused), detail={"sha256": sha256(plan.as_json()), "action": plan.action},
    )  # fmt: skip


def untouchable(plan: Plan) -> tuple[str, ...]:
    touched = [(one.title, one.hint.reason) for one in _restraints(plan) if isinstance(one.hint, DoNotTouch)]
    words = dict.fromkeys(f"“{title}” forbids to touch it: {reason}" for title, reason in touched)
    return tuple(safety.Refusal(one, safety.POLICY_DENIED) for one in words)


def named(plan: Plan) -> list[str]:
    """Who must sign beside what policy asks for: user names, and roles as `role:approver`."""
    found = [who for one in _restraints(plan) if isinstance(one.hint, MustApprove) for who in one.hint.who]
    return list(dict.fromkeys(found))


def missing(proposal: Proposal, given: Iterable[Decision]) -> list[str]:
    """Of those, whose signature is not among `given`; what was asked for when it was verified is never forgotten."""
    return unsigned([*proposal.policy.get("also", []), *named(Plan.from_json(proposal.plan))], given)


def unsigned(wanted: Iterable[str], given: Iterable[Decision]) -> list[str]:
    """Those of `wanted` for whom nobody in `given` signed. Pure, given the rows."""
    people = [row.by for row in given]
    there = {name.lower() for person in people for name in (person.username, person.email, person.label)}
    there |= {f"{ROLE}{role}" for person in people for role in person.roles}
    return [who for who in dict.fromkeys(wanted) if who.lower() not in there]


def _restraints(plan: Plan) -> list[Restraint]:
    steps = [step for step in plan.steps if step.where == "production" and step.kind in TOUCHING]
    if not steps:
        return []
    lists = [step.params.get(key) or [] for step in steps for key in ("assets", "jobs", "select")]
    return restraints(_cases(plan, {*plan.targets, *(uri for uris in lists for uri in uris)}))


def _cases(plan: Plan, uris: set[str]) -> list[Case]:
    """One for each asset that is touched, known to us or not."""
    incident = Incident.objects.filter(number=plan.incident).select_related("connection").first()
    rows = {asset.ref.uri: asset for asset in assets_of(uris)}
    steps = above([asset.pk for asset in rows.values()])
    names = Asset.objects.in_bulk({pk for distances in steps.values() for pk in distances})
    cases = []
    for uri in sorted(uris):
        near = {uri: 0, ref_of(uri).name: 0}
        if asset := rows.get(uri):
            for pk, distance in steps[asset.pk].items():
                near |= {names[pk].name: distance, names[pk].ref.uri: distance}
        cases.append(
            Case(
                near,
                connector=incident.connection.kind if incident else "",
                connection=incident.connection.name if incident else "",
                failure_class=incident.failure_class if incident else "",
                subtype=incident.subtype if incident else "",
            )
        )
    return cases
