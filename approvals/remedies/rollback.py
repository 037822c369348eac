"""The commit that broke it is taken back."""

from __future__ import annotations

from approvals.affected import Part, assets_of, built_nothing, runner_of
from approvals.plan import Plan
from approvals.remedies.case import Case
from approvals.remedies.change import change_plan
from incidents.models import Asset
from integrations import connections
from integrations.effects import RevertCommit
from integrations.errors import Refused
from integrations.models import Connection

SHORT = 8  # characters of a commit id that people read


def rollback(case: Case) -> Plan:
    """Raises NoPlan where the commit cannot be taken back without a conflict: `stage` finds that out."""
    sha, repository = str(case.fact("commit")), case.repository()
    subject = str(case.facts.get("subject") or "").strip()
    message = f'Revert "{subject}"\n\nThis takes back {sha}, for INC-{case.number}.'
    return change_plan(
        case,
        "rollback",
        title=f"Take back commit {sha[:SHORT]}: {subject}"[:300],
        why="What fails was changed by that commit, and ran before it.",
        holder=repository,
        change=RevertCommit(sha, message),
        change_title=f"Revert {sha[:SHORT]} ({', '.join(case.facts.get('paths') or []) or subject})"[:300],
        assets=[],
        parts=code_parts(case, repository, list(case.facts.get("paths") or [])),
        undo="The commit is put back by a new commit.",
    )


def code_parts(case: Case, repository: Connection, paths: list[str]) -> tuple[Part, ...]:
    """What must run when these files change: the models they hold and what failed; everything when that is unknown."""
    run = case.incident.run
    if (
        run
        and run.connection.kind == "dbt"
        and run.connection.config.get("git") == repository.name
        and built_nothing(run)
    ):
        return (Part(run.connection.name),)
    edited = list(Asset.objects.filter(path__in=paths).exclude(kind="job").order_by("pk"))
    built = {asset.ref.uri: asset for asset in [*edited, *case.failed(), *assets_of([case.root])]}
    parts: dict[str, list[str]] = {}
    for asset in built.values():
        runner = runner_of(asset)
        if runner and runner.config.get("git") == repository.name:
            parts.setdefault(runner.name, []).append(asset.ref.uri)
    if parts:
        return tuple(Part(name, select=tuple(sorted(uris))) for name, uris in sorted(parts.items()))
    users = Connection.objects.filter(kind="dbt", enabled=True, config__git=repository.name).order_by("pk")
    return tuple(Part(connection.name) for connection in users)


def file_at_head(repository: Connection, path: str) -> str | None:
    """The file's text in production, None where there is no such file."""
    try:
        return str(connections.connector(repository).read_file(path))
    except Refused:
        return None
