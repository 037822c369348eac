"""`pipeline.toml`: the jobs of a repository, what they read and write, and who answers for them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.errors import Refused
from integrations.values import AssetFact, AssetRef, Json


@dataclass(frozen=True)
class Job:
    name: str
    command: tuple[str, ...]
    inputs: tuple[AssetRef, ...] = ()
    outputs: tuple[AssetRef, ...] = ()
    owner: Json = field(default_factory=dict)
    schedule: str = ""
    # It obeys LAKE_BRANCH, so that it can be rehearsed without touching production.
    staging: bool = False


@dataclass(frozen=True)
class Manifest:
    jobs: Mapping[str, Job]
    # Owners of what is read but not made here, by asset.
    owners: Mapping[AssetRef, Json]


def read_manifest(text: str, lake: str) -> Manifest:
    """`lake` is the namespace of names that say none. Raises `Refused` with what is wrong in it."""
    try:
        data = tomllib.loads(text)
        jobs = {name: _job(name, entry, lake) for name, entry in data.get("jobs", {}).items()}
        owners = {
            asset_named(name, lake): dict(entry.get("owner", {})) for name, entry in data.get("assets", {}).items()
        }
    except (tomllib.TOMLDecodeError, TypeError, AttributeError, KeyError) as error:
        raise Refused(f"The list of jobs cannot be read: {error}") from error
    return Manifest(jobs, owners)


def asset_named(name: str, lake: str) -> AssetRef:
    """`raw.orders` is of the lake; `postgres://crm/public.deals` says its own namespace."""
    if "://" not in name:
        return AssetRef(lake, name)
    namespace, _, rest = name.rpartition("/")
    return AssetRef(namespace, rest)


def facts(manifest: Manifest, namespace: str) -> tuple[AssetFact, ...]:
    """What the list teaches: what a job reads is upstream of the job, and the job of what it writes."""
    found = [AssetFact(asset, owner=owner) for asset, owner in manifest.owners.items()]
    for job in manifest.jobs.values():
        me = AssetRef(namespace, job.name)
        path = next((word for word in job.command if word.endswith(".py")), "")
        found.append(AssetFact(me, "job", job.owner, path=path, upstream=job.inputs, meta={"schedule": job.schedule}))
        found.extend(AssetFact(output, owner=job.owner, upstream=(me,)) for output in job.outputs)
    return tuple(found)


def _job(name: str, entry: Mapping[str, Any], lake: str) -> Job:
    command = entry["command"]
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        raise TypeError(f"the command of {name} must be a list of words")
    inputs, outputs = (tuple(asset_named(item, lake) for item in entry.get(side, ())) for side in ("inputs", "outputs"))
    staging, owner = bool(entry.get("staging", False)), dict(entry.get("owner", {}))
    return Job(name, tuple(command), inputs, outputs, owner, str(entry.get("schedule", "")), staging)
