"""Production beside what was proven on staging, by content."""

from __future__ import annotations

from approvals.affected import ref_of
from approvals.models import Execution, Proposal
from integrations.connections import connector_for
from integrations.errors import IntegrationError
from integrations.ports import Inspector
from integrations.values import AssetRef, Json, Profile

LIMIT = 12  # assets that are compared; each costs two profiles
CLOSE = 1e-9  # relative: sums of floats depend on the order of rows


def same_as_staged(proposal: Proposal, execution: Execution) -> list[Json]:
    """One finding per rebuilt asset that staging can still show. A difference is a note and not red, because new data
    may have been loaded between; red is for what failed."""
    if not execution.steps.filter(kind="publish", status="done").exists():
        return []
    versions = proposal.staging.get("versions") or {}
    return [_compare(ref_of(uri), str(version)) for uri, version in [*versions.items()][:LIMIT]]


def _compare(asset: AssetRef, version: str) -> Json:
    try:
        inspector = connector_for(asset)
        if not isinstance(inspector, Inspector):
            return _finding(asset, None, "cannot be read, so it was not compared")
        same = _same(inspector.profile(asset, version), inspector.profile(asset))
    except IntegrationError as error:
        return _finding(asset, None, f"was not compared: {error}")
    words = "has the content that was proven on staging" if same else "differs from staging"
    return _finding(asset, True if same else None, words)


def _same(staged: Profile, now: Profile) -> bool:
    return (
        staged.rows == now.rows
        and set(staged.columns) == set(now.columns)
        and all(_near(staged.columns[name].get("sum"), now.columns[name].get("sum")) for name in staged.columns)
    )


def _near(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= CLOSE * max(abs(one), abs(other), 1.0)


def _finding(asset: AssetRef, ok: bool | None, words: str) -> Json:
    return {"name": "content", "ok": ok, "note": f"{asset.name} {words}."}
