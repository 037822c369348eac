"""What one report teaches: assets, edges and owners, the run and its results. One query per table, not per node."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from incidents.models import Asset, AssetEdge, Run, RunResult
from integrations.models import Connection
from integrations.untrusted import moment
from integrations.values import AssetFact, AssetRef, Column, Json, RunReport
from knowledge.exchange.dbt import describe

NAME_LIMIT = 300  # characters of a namespace, a name or a node
FRESH = timedelta(hours=1)  # `seen_at` is not rewritten more often, because it would rewrite every row on every run
OPEN_DOORS = {"openlineage", "webhook"}  # kinds of connections whose senders may name assets of any namespace
SKEW = timedelta(minutes=10)  # how far a sender's clock may be ahead of ours
ENDED = {"success", "failed", "aborted"}
Ids = dict[AssetRef, int]


@dataclass(frozen=True)
class Learned:
    run: Run
    # The report with everything that earlier ones of the same run said.
    report: RunReport
    ids: Ids
    # Whether the run ended with this report.
    ended: bool


def learn_run(connection: Connection, report: RunReport) -> Learned:
    """Keep what `report` says, merged over all reports of its run, in whatever order they come."""
    named = [report.job, *report.inputs, *report.outputs, *(r.asset for r in report.results)]
    ids = learn_assets(report.facts, named, foreign=_foreign(connection))
    Asset.objects.filter(pk=ids[report.job], kind="table").update(kind="job")
    if connection.kind == "dbt":
        describe(report.facts)
    if not any(fact.upstream for fact in report.facts):  # else the nodes' own edges say it, and more exactly
        job = ids[report.job]
        _learn_edges({(ids[ref], job) for ref in report.inputs} | {(job, ids[ref]) for ref in report.outputs})
    run, ended = _merge(connection, report, ids)
    _learn_results(run, report, ids)
    if next_load := report.next_load_at or (_next_load(run) if ended else None):
        Asset.objects.filter(pk__in=[ids[report.job], *run.outputs]).update(next_load_at=next_load)
    return Learned(run, _whole(run, report, ids), ids, ended)


def is_outdated(run: Run) -> bool:
    """Whether a later run of the same job was good already: its failure is history.

    Told by the same connection, and not in the future: else one forged run would silence a job for ever.
    """
    began = run.started_at or run.finished_at
    good = Run.objects.filter(job=run.job_id, environment="production", status="success", connection=run.connection_id)
    later = good.filter(started_at__gt=began, started_at__lt=timezone.now() + SKEW)
    return began is not None and later.exclude(pk=run.pk).exists()


def learn_assets(facts: Iterable[AssetFact], named: Iterable[AssetRef] = (), *, foreign: Collection[str] = ()) -> Ids:
    """Create or amend the assets, and the edges that the facts know.

    An owner set by a person stays, and so does one that is known of an asset in one of the namespaces `foreign`.
    """
    merged: dict[AssetRef, AssetFact] = {}
    for fact in facts:
        merged[fact.asset] = _union(merged[fact.asset], fact) if fact.asset in merged else fact
    refs = {*merged, *named, *(ref for fact in merged.values() for ref in fact.upstream)}
    known = _existing(refs)
    written = [row for ref in sorted(refs) if (row := _row(ref, merged.get(ref), known.get(_key(ref)), foreign))]
    Asset.objects.bulk_create(
        {_key(row.ref): row for row in written}.values(),
        update_conflicts=True,
        unique_fields=["namespace", "name"],
        update_fields=["kind", "owner", "description", "path", "columns", "meta", "seen_at"],
    )
    known |= {_key(row.ref): row for row in written}
    ids = {ref: known[_key(ref)].pk for ref in refs}
    _learn_edges({(ids[up], ids[fact.asset]) for fact in merged.values() for up in fact.upstream})
    return ids


def _key(ref: AssetRef) -> AssetRef:
    return AssetRef(ref.namespace[:NAME_LIMIT], ref.name[:NAME_LIMIT])


def _existing(refs: Iterable[AssetRef]) -> dict[AssetRef, Asset]:
    keys = [_key(ref) for ref in refs]
    rows = Asset.objects.filter(namespace__in={key.namespace for key in keys}, name__in={key.name for key in keys})
    return {row.ref: row for row in rows}


def _union(first: AssetFact, then: AssetFact) -> AssetFact:
    return AssetFact(
        first.asset,
        kind=then.kind if then.kind != "table" else first.kind,
        owner=then.owner or first.owner,
        description=then.description or first.description,
        path=then.path or first.path,
        upstream=tuple(dict.fromkeys([*first.upstream, *then.upstream])),
        columns=then.columns or first.columns,
        meta=first.meta | then.meta,
    )


def _foreign(connection: Connection) -> set[str]:
    """Namespaces that other connections serve, for a sender that may name any: owners there are asked for grants."""
    if connection.kind not in OPEN_DOORS:
        return set()
    others = Connection.objects.exclude(pk=connection.pk).values_list("config__namespace", flat=True)
    return {str(namespace) for namespace in others if namespace} - {connection.namespace}


def _row(ref: AssetRef, fact: AssetFact | None, row: Asset | None, foreign: Collection[str]) -> Asset | None:
    """The row to write, None when it is there and says the same."""
    key, now = _key(ref), timezone.now()
    row = row or Asset(namespace=key.namespace, name=key.name)
    before = None if row.pk is None else _said(row)
    if fact:
        row.kind = fact.kind if fact.kind != "table" or not row.kind else row.kind
        is_settled = row.owner.get("set_by") or (row.owner and ref.namespace in foreign)
        row.owner = row.owner if is_settled else (row.owner | dict(fact.owner))
        row.description = fact.description or row.description
        row.path = fact.path[:500] or row.path
        row.columns = [_column(column) for column in fact.columns] or row.columns
        row.meta = row.meta | dict(fact.meta) | _changed(row.meta, fact.meta, now)
    if before == _said(row) and row.seen_at > now - FRESH:
        return None
    row.seen_at = now
    return row


def _column(column: Column) -> Json:
    said = {"comment": column.comment} if column.comment else {}
    return {"name": column.name, "type": column.type, **said}


def _changed(before: Mapping[str, Any], told: Mapping[str, Any], now: datetime) -> Json:
    """When a file got another digest: what is known of changes where no repository is connected."""
    known, new = before.get("checksum"), told.get("checksum")
    return {"changed_at": now.isoformat()} if known and new and known != new else {}


def _said(row: Asset) -> tuple[object, ...]:
    return (row.kind, row.owner, row.description, row.path, row.columns, row.meta)


def _learn_edges(pairs: set[tuple[int, int]]) -> None:
    pairs = {(upper, lower) for upper, lower in pairs if upper != lower}
    if not pairs:
        return
    lowers = {lower for _, lower in pairs}
    known = set(AssetEdge.objects.filter(downstream__in=lowers).values_list("upstream", "downstream"))
    fresh = [AssetEdge(upstream_id=upper, downstream_id=lower) for upper, lower in sorted(pairs - known)]
    AssetEdge.objects.bulk_create(fresh, ignore_conflicts=True)


def _merge(connection: Connection, report: RunReport, ids: Mapping[AssetRef, int]) -> tuple[Run, bool]:
    """Union over all reports of a run, never less than before: reports come in any order."""
    run, _ = Run.objects.get_or_create(
        connection=connection,
        external_id=report.external_id[:NAME_LIMIT],
        defaults={"job_id": ids[report.job], "status": "running", "environment": report.environment},
    )
    ended = report.status in ENDED and run.status not in ENDED
    Run.objects.filter(pk=run.pk).update(
        status=report.status if report.status in ENDED else run.status,
        environment="staging" if report.environment == "staging" else run.environment,
        started_at=min(filter(None, [run.started_at, report.started_at]), default=None),
        finished_at=max(filter(None, [run.finished_at, report.finished_at]), default=None),
        attempt=max(run.attempt, report.attempt),
        commit=report.commit[:64] or run.commit,
        error=report.error or run.error,
        log=report.log or run.log,
        parameters=_deep(run.parameters, report.parameters),
        inputs=sorted({*run.inputs, *(ids[ref] for ref in report.inputs)}),
        outputs=sorted({*run.outputs, *(ids[ref] for ref in report.outputs)}),
    )
    run.refresh_from_db()
    return run, ended


def _whole(run: Run, report: RunReport, ids: Ids) -> RunReport:
    """Adds the outputs that earlier reports named to `ids`."""
    rows = Asset.objects.in_bulk([pk for pk in run.outputs if pk not in ids.values()])
    ids.update({row.ref: row.pk for row in rows.values()})
    return replace(
        report,
        status=run.status,
        environment="staging" if run.environment == "staging" else "production",
        error=run.error,
        log=run.log,
        outputs=(*report.outputs, *(rows[pk].ref for pk in sorted(rows))),
    )


def _next_load(run: Run) -> datetime | None:
    """When this job is due again, judged by the nominal times of its last two scheduled runs."""
    nominal = moment(run.parameters.get("nominal_start"))
    if nominal is None or run.environment != "production":
        return None
    earlier = Run.objects.filter(job=run.job_id, environment="production", parameters__has_key="nominal_start")
    last = (
        earlier.exclude(pk=run.pk).order_by("-started_at").values_list("parameters__nominal_start", flat=True).first()
    )
    before = moment(last)
    if before is None or before >= nominal:
        return None
    late = max((run.finished_at or nominal) - nominal, timedelta(0))
    return nominal + (nominal - before) * (late // (nominal - before) + 1)


def _deep(old: Json, new: Json) -> Json:
    """Key by key, later wins, nothing is deleted."""
    both = {key for key in old.keys() & new.keys() if isinstance(old[key], dict) and isinstance(new[key], dict)}
    return old | {key: _deep(old[key], value) if key in both else value for key, value in new.items()}


def _learn_results(run: Run, report: RunReport, ids: Mapping[AssetRef, int]) -> None:
    rows = {
        (ids[result.asset], result.node[:NAME_LIMIT]): RunResult(
            run=run,
            asset_id=ids[result.asset],
            node=result.node[:NAME_LIMIT],
            kind=result.kind[:12],
            status=result.status[:12],
            message=result.message,
            failures=result.failures,
            seconds=result.seconds,
        )
        for result in report.results
        if result.status != "running"
    }
    if not rows:
        return
    same = Q(asset__in={asset for asset, _ in rows}, node__in={node for _, node in rows})
    told = [row.pk for row in RunResult.objects.filter(same, run=run) if (row.asset_id, row.node) in rows]
    RunResult.objects.filter(pk__in=told).delete()
    RunResult.objects.bulk_create(rows.values())
