"""Whether production is still what a proposal was based on. `Proposal.base` is written by `grounds.base_of`.

Keys are connections, with the versions of what they hold; or RUN, the failed run; or INCIDENT, the incident as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from approvals.affected import ref_of
from approvals.models import Proposal
from incidents.models import Diagnosis, Incident, Run
from integrations import connections
from integrations.models import Connection
from integrations.values import AssetRef, Json

RUN, INCIDENT = "@run", "@incident"  # no connection can be called so


def moved(proposal: Proposal) -> list[str]:
    """What is not where it was, by name; empty when production is still the base. Raises IntegrationError."""
    recorded: Json = dict(proposal.base)
    run, incident = recorded.pop(RUN, None), recorded.pop(INCIDENT, None)
    gone = heads_that_differ(recorded)
    if run is not None and any(run.get(name) != value for name, value in run_state(proposal.incident).items()):
        gone.append("the failed run")
    if incident is not None and incident != incident_state(proposal.incident):
        gone.append("the diagnosis")
    return gone


def heads_that_differ(recorded: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Names of assets (or `commit`) whose production is not at the recorded version. Raises IntegrationError."""
    gone: list[str] = []
    for connection, versions in recorded.items():
        now = heads(connection, [uri for uri in versions if uri != "commit"])
        gone += [uri.rpartition("/")[2] for uri, version in versions.items() if now.get(uri) != version]
    return gone


def heads(connection: str, uris: Iterable[str]) -> dict[str, str]:
    """Production of these assets now, as `BranchProvider.heads` tells it. Raises IntegrationError."""
    provider = connections.connector(Connection.objects.get(name=connection, enabled=True))
    return dict(provider.heads(refs(uris)))


def refs(uris: Iterable[str]) -> tuple[AssetRef, ...]:
    return tuple(ref_of(uri) for uri in uris)


def run_state(incident: Incident) -> Json:
    """Of the failed run: stale only when it succeeded or was retried, so nothing else stands here."""
    run = Run.objects.filter(pk=incident.run_id).first() if incident.run_id else None
    if run is None:
        return {"status": "", "attempt": 0, "newest": ""}
    newest = Run.objects.filter(job=run.job, environment="production").order_by("-pk").first()
    return {"status": run.status, "attempt": run.attempt, "newest": newest.external_id if newest else ""}


def incident_state(incident: Incident) -> Json:
    newest = Diagnosis.objects.filter(incident=incident).order_by("-pk").first()
    return {"root": incident.root_asset.ref.uri, "diagnosis": newest.pk if newest else None}
