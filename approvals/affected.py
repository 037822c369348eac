"""Which part of which pipeline must run again after a change, by lineage alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Concat

from incidents.lineage import Distances, above, below
from incidents.models import Asset, AssetEdge, Run
from integrations.models import Connection
from integrations.values import AssetRef

RUNNERS = ("scripts", "dbt")  # kinds of connection that can run something


@dataclass(frozen=True)
class Part:
    """What one runner has to do: jobs by name, or assets with everything downstream of them; neither means all."""

    connection: str
    jobs: tuple[str, ...] = ()  # uris
    select: tuple[str, ...] = ()  # uris


def ref_of(uri: str) -> AssetRef:
    """`namespace/name`, taken apart at the last slash: names hold none."""
    namespace, _, name = uri.rpartition("/")
    return AssetRef(namespace, name)


def assets_of(uris: Iterable[str]) -> QuerySet[Asset]:
    whole = Concat(F("namespace"), Value("/"), F("name"))
    return Asset.objects.annotate(whole=whole).filter(whole__in=list(uris)).order_by("pk")


def asset_of(uri: str) -> Asset | None:
    return assets_of([uri]).first()


def downstream(assets: Iterable[Asset]) -> list[Asset]:
    """Everything that is fed by `assets`, themselves left out; cycles are walked once."""
    return _others(below, assets)


def upstream(assets: Iterable[Asset]) -> list[Asset]:
    return _others(above, assets)


def rebuilds(edited: Sequence[Asset]) -> tuple[Part, ...]:
    """The parts that rebuild what is downstream of `edited`: first the jobs, then what is built from their output."""
    fed = downstream(edited)
    reached = {asset.namespace for asset in [*edited, *fed]}
    parts = [_jobs(connection, fed) for connection in _runners("scripts")]
    chosen = tuple(asset.ref.uri for asset in edited if asset.kind not in ("job", "dashboard"))
    for connection in _runners("dbt"):
        if reached & built_by(connection):
            parts.append(Part(connection.name, select=chosen))
    return tuple(part for part in parts if part and (part.jobs or part.select))


def reruns(runner: Connection, job: Asset | None, failed: Sequence[Asset], run: Run | None) -> tuple[Part, ...]:
    """The parts that repeat a failed job, and what is downstream of its outputs."""
    if runner.kind == "dbt":
        own = set() if built_nothing(run) else built_by(runner)
        return (Part(runner.name, select=tuple(asset.ref.uri for asset in failed if asset.namespace in own)),)
    jobs = (job.ref.uri,) if job else ()
    rest = (part for part in rebuilds(outputs(job) if job else []) if part.connection != runner.name)
    return (Part(runner.name, jobs=jobs), *rest)


def built_nothing(run: Run | None) -> bool:
    """Whether a run stopped before it built anything, so that all of it must run again and not only what failed."""
    built = ("model", "seed", "snapshot")
    return run is not None and not run.results.filter(kind__in=built, status__in=["success", "warned"]).exists()


def outputs(job: Asset) -> list[Asset]:
    """What the job writes, from its edges and from what its runs told."""
    told = [pk for run in Run.objects.filter(job=job).order_by("-pk")[:20] for pk in run.outputs]
    fed = AssetEdge.objects.filter(upstream=job).values_list("downstream_id", flat=True)
    return list(Asset.objects.filter(Q(pk__in=told) | Q(pk__in=fed)).order_by("pk"))


def built_by(connection: Connection) -> set[str]:
    """Namespaces whose assets a dbt connection builds: its own, and that of its engine."""
    engine = Connection.objects.filter(name=connection.config.get("engine", ""), enabled=True).first()
    return {connection.namespace, *([engine.namespace] if engine else [])}


def runner_of(asset: Asset) -> Connection | None:
    """The dbt connection that builds this asset."""
    return next((connection for connection in _runners("dbt") if asset.namespace in built_by(connection)), None)


def _jobs(connection: Connection, fed: Sequence[Asset]) -> Part | None:
    jobs = tuple(a.ref.uri for a in fed if a.kind == "job" and a.namespace == connection.namespace)
    return Part(connection.name, jobs=jobs) if jobs else None


def _runners(kind: str) -> list[Connection]:
    return list(Connection.objects.filter(kind=kind, enabled=True).order_by("pk"))


def _others(walk: Callable[[Iterable[int]], dict[int, Distances]], assets: Iterable[Asset]) -> list[Asset]:
    start = {asset.pk for asset in assets}
    found = {pk for distances in walk(start).values() for pk in distances} - start
    return list(Asset.objects.filter(pk__in=found).order_by("pk"))
