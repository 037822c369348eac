"""Only a person can do it: the right one is asked, with the exact words, and nothing is changed."""

from __future__ import annotations

from app.core.models import User
from approvals.plan import Plan, Step
from approvals.remedies.case import Case, NoPlan
from integrations.values import Json
from knowledge.hints import Contact

DUE_H = 4  # hours until the owner is reminded


def ask_owner(case: Case) -> Plan:
    asset = case.fact("object") if case.facts.get("object") else case.fact("asset")
    owner, whence = dict(case.facts.get("owner") or {}), ""
    if known := case.hints(Contact):
        contact, cite = known[0]
        owner = {"name": contact.who, "email": address(contact, owner)}
        whence = f" {cite} says: {contact.sentence}"
    if not owner.get("name") and not owner.get("email"):
        raise NoPlan(f"Nobody is known as the owner of {asset}. Name one, then diagnose again.", _grant(case))
    name = owner.get("name") or owner["email"]
    step = Step(
        "ask",
        f"Ask {name} for the grant",
        "production",
        "",
        {"to": {"name": name, "email": owner.get("email", "")}, "message": _message(case, str(asset)), "due_h": DUE_H},
        "ask_owner",
        "A message cannot be taken back. Nothing in the data is changed.",
    )
    title = f"Ask {name} to grant {case.facts.get('privilege') or 'access'} on {asset}"
    why = f"Access was refused. It is for the owner to give, and other credentials are never looked for.{whence}"
    return Plan(
        "ask_owner",
        title[:300],
        why,
        case.number,
        case.root,
        (step,),
        "stop",
        (str(case.facts.get("asset") or case.root),),
    )


def address(contact: Contact, owner: Json) -> str:
    """Where mail reaches the contact: their channel, the owner's address where it is the same person, or ours."""
    if "@" in contact.channel and not contact.channel.startswith(("#", "@")):
        return contact.channel
    if contact.who == owner.get("name"):
        return str(owner.get("email", ""))
    known = User.objects.filter(is_active=True, username__iexact=contact.who).first()
    return known.email if known else ""


def _message(case: Case, asset: str) -> str:
    job: Json = case.facts.get("job") or {}
    who = f" by the role {case.facts['role']}" if case.facts.get("role") else ""
    what = f"The job {job['name']}" if job.get("name") else "The pipeline"
    lines = [
        f"{what} could not read {asset}{who}: permission denied (INC-{case.number}, {case.incident.title}).",
        "If this was not meant, please run:",
        *(f"    {grant}" for grant in _grant(case)),
        "If it was meant, please answer so. The incident closes by itself when the job succeeds again.",
    ]
    return "\n\n".join(lines)


def _grant(case: Case) -> tuple[str, ...]:
    return (str(case.facts["grant"]),) if case.facts.get("grant") else ()
