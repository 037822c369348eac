"""A role may not read an object: which asset that is, who owns it, and the statement its owner would run."""

from __future__ import annotations

import re

from incidents.case import Case
from incidents.history import History
from incidents.models import Asset
from incidents.verdict import Verdict, claim, code, not_so
from integrations.values import Json

_PERSON = re.compile(
    r"owner:?\s{0,3}(?P<name>[^<\n;,]{1,80}?)\s{0,3}<(?P<email>[^<>\s]{3,200}@[^<>\s]{1,100})>", re.IGNORECASE
)
_SELECTABLE = {"table", "view", "relation", "materialized view", "foreign table"}
_GRANTABLE = _SELECTABLE | {"schema", "database", "sequence", "function"}


def permission_denied(case: Case, history: History) -> Verdict | None:
    hit = case.says("permission_denied")
    if hit is None or hit.groups.get("kind", "").lower() not in _GRANTABLE:
        return None  # no database said it: there is no statement that would grant it
    said, kind = hit.groups.get("object", "").strip('"'), hit.groups["kind"].lower()
    asset, evidence = _meant(case, said), case.dossier.cites("log", "signature")
    grants = _grants(case, asset) if asset else {}
    owner = _owner(asset, grants)
    role, target = str(grants.get("me", "")), asset.name if asset else said
    privilege = "SELECT" if kind in _SELECTABLE else "USAGE"
    facts = {
        "asset": asset.ref.uri if asset else case.root.ref.uri,
        "object": target,
        "privilege": privilege,
        "role": role,
        "grant": grant_statement(privilege, kind, target, role),
        "owner": owner,
    }
    claims = [claim(f"The database refused to read {code(said)}: “{hit.text.strip()[:200]}”", *evidence)]
    claims += _about_grants(case, grants, role, target)
    text = f"The role {role or 'of the job'} may no longer read {target}."
    if owner:
        text += f" {owner.get('name') or owner.get('email')} owns it and can grant it."
    confidence = 0.95 if grants and not grants.get("may_read") else 0.85
    held = [not_so("Wrong code or data", "The statement was refused before it read anything.", *evidence)]
    return Verdict("infrastructure", "permission_denied", text, facts, claims, held, confidence, asset)


def grant_statement(privilege: str, kind: str, target: str, role: str) -> str:
    """With every identifier quoted, for a person to read and run."""
    what = "SCHEMA " if kind == "schema" else ""
    return f"GRANT {privilege} ON {what}{'.'.join(map(_quoted, target.split('.')))} TO {_quoted(role or 'role')}"


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _meant(case: Case, said: str) -> Asset | None:
    """The one input of the job that is called so, with or without its schema; None when it could be several."""
    named = said.lower()
    found = [a for a in case.inputs if a.name.lower() == named or a.name.lower().endswith(f".{named}")]
    return found[0] if len(found) == 1 else None


def _grants(case: Case, asset: Asset) -> Json:
    reading = case.about("grants", asset)
    if reading is None:
        return {}
    grants: Json = reading.result
    body = {
        "asset": asset.ref.uri,
        "object": asset.name,
        "privilege": "SELECT",
        "role": grants.get("me", ""),
        "owner": grants.get("owner", ""),
        "comment": grants.get("comment", ""),
        "may_read": bool(grants.get("may_read")),
        "roles": grants.get("roles", {}),
    }
    word = "may" if body["may_read"] else "may not"
    case.dossier.add(
        "grants", f"{body['role']} {word} read {asset.name}", body, f"catalog of {asset.namespace}", call=reading.call
    )
    return grants


def _about_grants(case: Case, grants: Json, role: str, target: str) -> list[Json]:
    if not grants:
        return []
    word = "may" if grants.get("may_read") else "may not"
    return [
        claim(
            f"The database's own list says that {code(role)} {word} read {code(target)} now.",
            *case.dossier.cites("grants"),
        )
    ]


def _owner(asset: Asset | None, grants: Json) -> Json:
    """As the asset's facts say, else as the engine's comment on the object says; never a guess."""
    if asset and (asset.owner.get("email") or asset.owner.get("name")):
        return {key: asset.owner[key] for key in ("name", "email", "slack") if asset.owner.get(key)}
    found = _PERSON.search(str(grants.get("comment", ""))[:2000])
    return {"name": found["name"].strip(), "email": found["email"]} if found else {}
