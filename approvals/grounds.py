"""What a plan binds of production as it is now (DESIGN.md, section 3); `base.py` tells later whether it is still so."""

from __future__ import annotations

from collections.abc import Iterable

from approvals.affected import assets_of, built_by, upstream
from approvals.base import INCIDENT, RUN, heads, incident_state, run_state
from approvals.catalogue import CATALOGUE
from approvals.plan import Plan
from incidents.models import Incident
from integrations.models import Connection
from integrations.values import Json


def base_of(plan: Plan, incident: Incident) -> Json:
    """What this plan binds, as production is now: connection to versions, or the failed run, or the incident.

    Reads engines, so only worker-act can. Raises IntegrationError.
    """
    binds = CATALOGUE[plan.action].binds
    if binds == "incident":
        return {INCIDENT: incident_state(incident)}
    if binds == "run":
        return {RUN: _run(incident)}
    wanted: dict[str, set[str]] = {}
    for step in plan.steps:
        if step.kind == "fork":
            wanted.setdefault(step.connection, set()).update(step.params["assets"])
        if step.kind == "run":
            for name, uris in _read_by(step.connection, step.params["select"]).items():
                wanted.setdefault(name, set()).update(uris)
    return {name: heads(name, sorted(uris)) for name, uris in sorted(wanted.items())}


def _read_by(runner: str, select: Iterable[str]) -> dict[str, list[str]]:
    """What a rehearsal reads beside the branch: the code that runs, and the tables of lakes that feed it."""
    connection = Connection.objects.get(name=runner)
    read: dict[str, list[str]] = {}
    if code := connection.config.get("git"):
        read[code] = []
    lakes = {c.namespace: c.name for c in Connection.objects.filter(kind="iceberg", enabled=True)}
    chosen = [asset for asset in assets_of(select) if asset.namespace in {*built_by(connection), *lakes}]
    for asset in [*chosen, *upstream(chosen)]:
        if asset.namespace in lakes and asset.kind != "job":
            read.setdefault(lakes[asset.namespace], []).append(asset.ref.uri)
    return read


def _run(incident: Incident) -> Json:
    run = incident.run
    known = {"job": "", "failed": "", "commit": "", "parameters": {}}
    if run is not None:
        known = {"job": run.job.ref.uri, "failed": run.external_id, "commit": run.commit, "parameters": run.parameters}
    return {**known, **run_state(incident)}
