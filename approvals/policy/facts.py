"""What rules are asked about: a proposal's action, risk, class, connections, and the assets that its plan touches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from approvals.affected import ref_of
from approvals.policy.rules import UNKNOWN
from incidents.models import Asset
from integrations.values import Json

if TYPE_CHECKING:
    from approvals.models import Proposal

_TIER = re.compile(r"^(?:tier\W*)+", re.I)  # OpenMetadata says Tier.Tier1, dbt projects say 1 or gold


@dataclass(frozen=True)
class Touched:
    """One asset that a plan touches, as far as it is known."""

    uri: str
    name: str
    tier: str = UNKNOWN
    owners: tuple[str, ...] = (UNKNOWN,)  # name and e-mail of its owner


@dataclass(frozen=True)
class Facts:
    action: str
    risk: str
    failure_class: str = UNKNOWN
    connections: tuple[str, ...] = ()
    assets: tuple[Touched, ...] = ()


def facts_of(proposal: Proposal) -> Facts:
    """Of one proposal, from its row, its incident and its assets as they are now."""
    plan: Json = proposal.plan or {}
    uris = touched(plan)
    steps = [step for step in plan.get("steps", []) if step.get("where") == "production"]
    broke = proposal.incident.failure_class if proposal.incident_id else ""
    return Facts(
        proposal.action,
        proposal.risk,
        broke or UNKNOWN,
        tuple(sorted({step["connection"] for step in steps if step.get("connection")})),
        told(uris, known(uris)),
    )


def touched(plan: Mapping[str, Any]) -> tuple[str, ...]:
    """Uris of what the plan edits, publishes or runs again in production, and of what broke; sorted."""
    steps = [step["params"] for step in plan.get("steps", []) if step.get("where") == "production"]
    lists = [params.get(key) or [] for params in steps for key in ("assets", "jobs", "select")]
    root = plan.get("root_asset") or ""
    found = {*plan.get("targets", []), *(uri for uris in lists for uri in uris), *([root] if root else [])}
    return tuple(sorted(found))


def known(uris: Iterable[str]) -> dict[str, Touched]:
    """Those of `uris` that are assets of ours, in one query."""
    refs = [ref_of(uri) for uri in uris]
    if not refs:
        return {}
    rows = Asset.objects.filter(namespace__in={ref.namespace for ref in refs}, name__in={ref.name for ref in refs})
    return {row.ref.uri: _touched(row) for row in rows.only("namespace", "name", "owner", "meta")}


def told(uris: Iterable[str], rows: Mapping[str, Touched]) -> tuple[Touched, ...]:
    return tuple(rows.get(uri) or Touched(uri, ref_of(uri).name) for uri in uris)


def _touched(row: Asset) -> Touched:
    said = row.meta.get("said")
    tier = str(row.meta.get("tier") or (said.get("tier") if isinstance(said, dict) else "") or "")
    owners = tuple(_owners(row.owner)) or (UNKNOWN,)
    return Touched(row.ref.uri, row.name, _TIER.sub("", tier).strip().lower()[:60] or UNKNOWN, owners)


def _owners(owner: Json) -> Iterator[str]:
    yield from (str(owner[key]) for key in ("name", "email") if owner.get(key))
