"""Rows that only their owner has: they are asked for, never made up; then what is built from them is built again."""

from __future__ import annotations

from approvals.affected import rebuilds
from approvals.plan import Plan, Step
from approvals.remedies.ask_owner import address
from approvals.remedies.case import Case, NoPlan, run_steps
from integrations.values import Json
from knowledge.hints import Contact

DUE_H = 4  # hours to answer, before the next one is asked


def ask_for_rows(case: Case) -> Plan:
    asset, missing = case.asset(), case.fact("missing")
    asked, whence = _people(case)
    if not asked:
        raise NoPlan(f"Nobody is known who could bring the rows of {asset.name}. Name an owner, then diagnose again.")
    to, *then = asked
    day = f" for {missing['day']}" if missing["day"] else ""
    ask = Step(
        "ask",
        f"Ask {to['name']} for the rows of {asset.name}{day}",
        "production",
        "",
        {"to": to, "then": then, "message": _message(case, asset.name, missing), "due_h": DUE_H},
        "ask_owner",
        "A message cannot be taken back. Nothing in the data is changed.",
    )
    steps = (ask, *run_steps(rebuilds([asset]), "ask_owner", staging=False))
    why = f"The rows are not anywhere in the pipeline; only a person has them, and none are made up.{whence}"
    title = f"Ask {to['name']} for the rows of {asset.name}{day}"
    return Plan("ask_owner", title[:300], why, case.number, case.root, steps, "stop", (asset.ref.uri,))


def _people(case: Case) -> tuple[list[Json], str]:
    """Whom a note names, the owner, who answers for the jobs that load it: who has an address, each once."""
    owner = dict(case.facts.get("owner") or {})
    known, whence = [owner, *(case.facts.get("makers") or [])], ""
    if hints := case.hints(Contact):
        contact, cite = hints[0]
        known, whence = (
            [{"name": contact.who, "email": address(contact, owner)}, *known],
            f" {cite} says: {contact.sentence}",
        )
    found: dict[str, Json] = {}
    for who in known:
        if email := str(who.get("email") or ""):
            found.setdefault(email.lower(), {"name": str(who.get("name") or email), "email": email})
    return [*found.values()], whence


def _message(case: Case, name: str, missing: Json) -> str:
    of_day, since = f" of {missing['day']}" if missing["day"] else "", missing["since"][:16].replace("T", " ")
    lines = [
        f"{name} has no rows{of_day}: the load of {since} UTC went well and brought none. Usually it brings "
        f"{missing['usual']} rows (INC-{case.number}).",
        f"Please put the rows{of_day} back where you keep them, as they were: the usual load takes them from there. "
        "If there are none for that day, please say so in words.",
        "When they have arrived, this closes by itself and what is built from them is built again.",
    ]
    return "\n\n".join(lines)
