"""What a remedy is built from: the incident, the typed facts of its diagnosis, and what is connected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from approvals.affected import Part, asset_of
from approvals.plan import Step
from incidents.models import Asset, Incident
from integrations import connections
from integrations.models import Connection
from integrations.values import Json
from knowledge.hints import Header, Hint, parse

H = TypeVar("H", bound=Hint)


class NoPlan(Exception):
    """Nothing of this kind can be done here; the message tells people why, and what they can do."""

    def __init__(self, message: str, commands: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.commands = commands


@dataclass(frozen=True)
class Case:
    """One incident, ready to be planned for. `now` is the database's clock."""

    incident: Incident
    facts: Json
    now: datetime

    @property
    def number(self) -> int:
        return self.incident.number

    @property
    def root(self) -> str:
        return self.incident.root_asset.ref.uri

    def fact(self, name: str) -> Any:
        """Raises NoPlan when the diagnosis does not say."""
        value = self.facts.get(name)
        if value in (None, "", [], {}):
            raise NoPlan(f"The diagnosis does not say {name.replace('_', ' ')}, so no fix can be built from it.")
        return value

    def asset(self, name: str = "asset") -> Asset:
        found = asset_of(str(self.fact(name)))
        if found is None:
            raise NoPlan(f"{self.fact(name)} is not a known asset.")
        return found

    def holder(self, asset: Asset) -> Connection:
        """The connection that can stage a change to the rows of `asset`."""
        found = connections.serving(asset.namespace, "iceberg")
        if found is None:
            raise NoPlan(
                f"{asset} is in {asset.namespace}, for which there is no branch provider yet: its rows cannot "
                "be staged. A person has to change them there."
            )
        return found

    def hints(self, kind: type[H]) -> list[tuple[H, str]]:
        """Hints of one kind that notes give for this case, best first, each with the label of its note.

        With the version that was read: a plan that names it binds it, and the note may say something else tomorrow.
        """
        told = self.facts.get("hints") or []
        parsed = [(parse([one["hint"]])[0], _cite(one)) for one in told]
        return [(hint, cite) for hint, cite in parsed if isinstance(hint, kind)]

    def retried(self) -> int:
        """How many retries were carried out since the incident opened, or came back after a fix."""
        tried = self.incident.proposals.filter(action__in=["retry", "retry_later"], executions__isnull=False)
        if since := self.incident.reopened_at:
            tried = tried.filter(created_at__gt=since)
        return tried.distinct().count()

    def header(self, connection: Connection) -> Json | None:
        """The header that a note names for calls to a connection's host, as a step keeps it; never its value."""
        to = connections.host(connection)
        for told in self.facts.get("hints") or []:
            hint = parse([told["hint"]])[0]
            if to and isinstance(hint, Header) and hint.host.lower() == to:
                named = {"name": hint.name, "reference": hint.reference, "host": hint.host}
                return {**named, "entry": told["entry"], "cite": told["cite"]}
        return None

    def job(self) -> Asset | None:
        named = self.facts.get("job")
        return Asset.objects.filter(namespace=named["namespace"], name=named["name"]).first() if named else None

    def runner(self) -> Connection:
        """The connection that can run the failed job again."""
        found = Connection.objects.filter(name=self.facts.get("runner") or "", enabled=True).first()
        if found is None:
            raise NoPlan("No connection can run this job again. Run it where it is scheduled.", self.by_hand())
        return found

    def repository(self) -> Connection:
        """The git connection that holds the code of the pipeline that failed."""
        runner = Connection.objects.filter(name=self.facts.get("runner") or "", enabled=True).first()
        named = (runner or self.incident.connection).config.get("git")
        rows = Connection.objects.filter(kind="git", enabled=True)
        found = rows.filter(name=named).first() if named else (rows.first() if rows.count() == 1 else None)
        if found is None:
            raise NoPlan("No repository is connected for this code.", self.by_hand())
        return found

    def by_uri(self, uri: str) -> Asset | None:
        return asset_of(uri)

    def failed(self) -> list[Asset]:
        return [found for uri in self.facts.get("failed") or [] if (found := asset_of(uri))]

    def by_hand(self) -> tuple[str, ...]:
        """What a person would type to repeat the failed part."""
        job = (self.facts.get("job") or {}).get("name", "")
        names = " ".join(f"{asset.name.rpartition('.')[2]}+" for asset in self.failed())
        return (f"dbt build --select {names}",) if names else ((f"run the job {job} again",) if job else ())


def _cite(told: Json) -> str:
    return f"{told['cite']} (version {told['version']})" if told.get("version") else str(told["cite"])


def run_steps(
    parts: tuple[Part, ...], action: str, *, staging: bool, parameters: Json | None = None, of_jobs: Json | None = None
) -> tuple[Step, ...]:
    """Steps that run `parts`, on the branches or in production; `of_jobs` are parameters of the parts with jobs."""
    kind, where = ("run", "staging") if staging else ("rerun", "production")
    undo = "" if staging else "What it overwrote is put back from the copy that the run keeps."
    extra: Json = {} if staging else {"attempts": 2}
    return tuple(
        Step(
            kind,  # type: ignore[arg-type]
            run_title(part, staging),
            where,  # type: ignore[arg-type]
            part.connection,
            {
                "jobs": [*part.jobs],
                "select": [*part.select],
                "parameters": {**(parameters or {}), **((of_jobs or {}) if part.jobs else {})},
                **extra,
            },
            action,
            undo,
        )
        for part in parts
    )


def run_title(part: Part, staging: bool) -> str:
    where = "against the branch" if staging else "in production"
    if part.jobs:
        return f"Run {_names(part.jobs)} {where}"
    if part.select:
        return f"Rebuild {_names(part.select)} and everything downstream {where}"
    return f"Run all of {part.connection} {where}"


def _names(uris: tuple[str, ...]) -> str:
    names = [uri.rpartition("/")[2] for uri in uris]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
