"""How the user's scheduler tells Countersign what ran: OpenLineage events and dbt's artifacts, as clients do."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

PRODUCER = "https://shop.example/scheduler"
SPEC = "https://openlineage.io/spec"
EVENT_SCHEMA = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
TIMEOUT_S = 15
TAIL = 20_000  # characters of a job's log that go along with its failure
ARTIFACTS = {
    "run_results": "run_results.json",
    "manifest": "manifest.json",
    "sources": "sources.json",
    "log": "dbt.log",
}
Json = dict[str, Any]


@dataclass(frozen=True)
class Door:
    """Countersign's address, and the keys of the connections that events come in by."""

    url: str
    lineage_key: str
    dbt_key: str

    def event(self, event: Json) -> None:
        """Raises httpx.HTTPError when it was not taken."""
        headers = {"Authorization": f"Bearer {self.lineage_key}"}
        httpx.post(f"{self.url}/api/v1/lineage", json=event, headers=headers, timeout=TIMEOUT_S).raise_for_status()

    def artifacts(self, facts: Mapping[str, str], folder: Path) -> None:
        """Upload what dbt left in `folder`; files that are not there are left out."""
        found = {key: folder / name for key, name in ARTIFACTS.items() if (folder / name).exists()}
        files = {key: (path.name, path.read_bytes()) for key, path in found.items()}
        headers = {"Authorization": f"Bearer {self.dbt_key}"}
        answer = httpx.post(
            f"{self.url}/api/v1/dbt/artifacts", data=dict(facts), files=files, headers=headers, timeout=TIMEOUT_S
        )
        answer.raise_for_status()


@dataclass(frozen=True)
class Attempt:
    """One execution of one job, as far as it is known when an event is sent."""

    job: str
    run_id: str
    nominal: datetime
    commit: str
    path: str
    owner: Mapping[str, str]
    inputs: tuple[Json, ...] = ()
    outputs: tuple[Json, ...] = field(default=())
    namespace: str = "jobs://ingest"


def run_event(attempt: Attempt, kind: str, at: datetime, *, error: str = "", log: str = "") -> Json:
    """An OpenLineage run event; START, COMPLETE or FAIL."""
    run: Json = {"nominalTime": facet("1-0-1/NominalTimeRunFacet", nominalStartTime=attempt.nominal.isoformat())}
    if kind == "FAIL":
        run["errorMessage"] = facet(
            "1-0-1/ErrorMessageRunFacet", message=error, programmingLanguage="python", stackTrace=log[-TAIL:]
        )
    place = {"type": "git", "url": "git://pipeline", "path": attempt.path, "version": attempt.commit}
    code = {"sourceCodeLocation": facet("1-0-1/SourceCodeLocationJobFacet", **place)} if attempt.path else {}
    return {
        "eventTime": at.isoformat(), "eventType": kind, "producer": PRODUCER, "schemaURL": EVENT_SCHEMA,
        "run": {"runId": str(uuid.uuid5(uuid.NAMESPACE_URL, attempt.run_id)), "facets": run},
        "job": {"namespace": attempt.namespace, "name": attempt.job,
                "facets": {**code, "ownership": ownership(attempt.owner)}},
        "inputs": list(attempt.inputs), "outputs": list(attempt.outputs),
    }  # fmt: skip


def dataset(uri: str, columns: tuple[tuple[str, str], ...], owner: Mapping[str, str], version: str = "") -> Json:
    """A dataset named as the manifest names it: `raw.orders` in the lake, or `postgres://crm/public.deals`."""
    namespace, name = uri.rsplit("/", 1) if "://" in uri else ("iceberg://lake", uri)
    facets: Json = {}
    if columns:
        facets["schema"] = facet("1-1-1/SchemaDatasetFacet", fields=[{"name": n, "type": t} for n, t in columns])
    if owner:
        facets["ownership"] = ownership(owner)
    if version:
        facets["version"] = facet("1-0-1/DatasetVersionDatasetFacet", datasetVersion=version)
    return {"namespace": namespace, "name": name, "facets": facets}


def ownership(owner: Mapping[str, str]) -> Json:
    name = f"{owner.get('name', '')} <{owner.get('email', '')}>"
    return facet("1-0-1/OwnershipJobFacet", owners=[{"name": name, "type": "OWNER"}] if owner else [])


def facet(schema: str, **values: Any) -> Json:
    version, name = schema.split("/")
    return {"_producer": PRODUCER, "_schemaURL": f"{SPEC}/facets/{version}/{name}.json", **values}
