"""What changed in the code between the last good run and the one that failed, read once for all rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from incidents.case import Case
from incidents.models import Asset, Run
from integrations.values import Json

NUMBERED = {"dag_version": "DAG version", "dag_bundle_version": "DAG bundle"}  # parameters of a run
COMMITS = 60  # newest ones that are looked at; older changes were part of good runs


@dataclass(frozen=True)
class History:
    """`commits` since the last good run, newest first; `is_known` says whether that point was found at all."""

    label: str
    commits: tuple[Json, ...]
    is_known: bool

    def touching(self, paths: Iterable[str]) -> list[Json]:
        wanted = set(paths) - {""}
        return [commit for commit in self.commits if wanted & set(commit["paths"])]


def changes(case: Case) -> History:
    """Adds the evidence, with the suspects marked. Without code, or without a good run to compare with, it is empty."""
    reading = case.of("changes", case.code, paths=[], limit=COMMITS)
    if reading is None:
        _without_code(case)
        return History("", (), False)
    now, since = _commits(case)
    newest = _until(reading.result, now)
    older = [n for n, commit in enumerate(newest) if commit["sha"] == since]
    is_known = bool(since and older)
    recent = newest[: older[0]] if is_known else []
    way = {asset.path for asset in (case.root, *case.results_assets, *case.upstream)} - {""}
    marked = [
        {**c, "touches": sorted(way & set(c["paths"])), "is_suspect": bool(way & set(c["paths"]))} for c in recent
    ]
    shown = marked or [{**c, "touches": sorted(way & set(c["paths"])), "is_suspect": False} for c in newest[:10]]
    body = {"since": since, "now": now, "commits": shown, "versions": _versions(case)}
    label = case.dossier.add("changes", _title(marked, is_known), body, f"git {case.code}", call=reading.call)
    return History(label, tuple(marked), is_known)


def _without_code(case: Case) -> None:
    """Without a repository: what the tools themselves say has another version than at the last good run."""
    good = case.last_good
    if good is None or case.job is None or case.code:
        return
    models, versions = _models(case, good), _versions(case)
    said = [f"{len(models)} model{'s' * (len(models) > 1)} changed since the last good run"] if models else []
    said += [f"{version['name']} {version['before']} became {version['now']}" for version in versions]
    if said:
        body = {"since": good.external_id, "now": case.run.external_id if case.run else "", "models": models}
        source = f"manifests of {case.job.name}" if models else f"runs of {case.job.name}"
        case.dossier.add("changes", "; ".join(said), body | {"versions": versions}, source)


def _models(case: Case, good: Run) -> list[Json]:
    """Models whose files have another digest than the project had at the last good run."""
    way = {asset.pk for asset in (case.root, *case.results_assets, *case.upstream)}
    built = {*good.outputs, *(case.run.outputs if case.run else ())}
    recent = Asset.objects.filter(pk__in=way | built, meta__changed_at__gt=good.told_at.isoformat())
    changed = recent.order_by("name")[:COMMITS]
    return [{"name": a.name, "path": a.path, "at": a.meta["changed_at"], "is_suspect": a.pk in way} for a in changed]


def _versions(case: Case) -> list[Json]:
    """What the orchestrator numbers itself and had another number at the last good run: Airflow's DAG and bundle."""
    good, run = case.last_good, case.run
    if good is None or run is None:
        return []
    both = [(label, good.parameters.get(key), run.parameters.get(key)) for key, label in NUMBERED.items()]
    return [
        {"name": label, "before": before, "now": now} for label, before, now in both if before and now and before != now
    ]


def _commits(case: Case) -> tuple[str, str]:
    now = case.run.commit if case.run else ""
    return now, (case.last_good.commit if case.last_good else "")


def _until(commits: list[Json], now: str) -> list[Json]:
    """Without what was committed after the run."""
    at = next((n for n, commit in enumerate(commits) if commit["sha"] == now), 0)
    return commits[at:]


def _title(commits: list[Json], is_known: bool) -> str:
    if not is_known:
        return "Recent commits; the last good run's is not known"
    if not commits:
        return "No commit since the last good run"
    suspects = sum(commit["is_suspect"] for commit in commits)
    return (
        f"{len(commits)} commit{'s' * (len(commits) > 1)} since the last good run, {suspects} on the way to the failure"
    )
