"""What a check is given and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from approvals.models import Proposal
from approvals.plan import Plan
from integrations import connections
from integrations.effects import Branch, Diff, TableDiff
from integrations.models import Connection
from integrations.values import Json

State = Literal["ok", "bad", "note", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One section of the report. Only `bad` blocks signing."""

    name: str
    title: str
    state: State
    # A few words beside the title: a count, a duration.
    note: str = ""
    body: str = ""
    # What the page draws: the section of the same name in the report.
    section: Any = None
    # Sentences for *what was not checked*.
    not_checked: tuple[str, ...] = ()
    # {"label", "now", "branch", "expected", "line"}, from the check that can tell it.
    effect: Json = field(default_factory=dict)

    def as_check(self) -> Json:
        return {"name": self.name, "title": self.title, "state": self.state, "note": self.note, "body": self.body}


@dataclass(frozen=True)
class Bench:
    """A staged proposal on the bench: everything that the checks measure. `now` is the database's clock."""

    proposal: Proposal
    plan: Plan
    now: datetime

    @cached_property
    def branches(self) -> tuple[Branch, ...]:
        return tuple(Branch(**value) for value in self.proposal.branches)

    @cached_property
    def diffs(self) -> Mapping[str, Diff]:
        """Connection to what its branch changes."""
        return {branch.connection: self.provider(branch.connection).diff(branch) for branch in self.branches}

    @property
    def tables(self) -> tuple[TableDiff, ...]:
        return tuple(table for diff in self.diffs.values() for table in diff.tables)

    @property
    def runs(self) -> list[Json]:
        return list(self.proposal.staging.get("runs") or [])

    @property
    def results(self) -> list[Json]:
        """Results of every node of the rehearsal; `asset` is {"namespace", "name"}."""
        return [result for run in self.runs for result in run["results"]]

    @property
    def versions(self) -> Mapping[str, str]:
        """Asset uri to where its staging result can be read."""
        return dict(self.proposal.staging.get("versions") or {})

    @property
    def is_rehearsed(self) -> bool:
        return self.proposal.rehearsal == "branch"

    def provider(self, name: str) -> Any:
        return connections.connector(Connection.objects.get(name=name, enabled=True))


def uri_of(asset: Mapping[str, str]) -> str:
    return f"{asset['namespace']}/{asset['name']}"


def number(value: float) -> str:
    """As people read it: thousands apart, two places only where there are some."""
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:,.2f}"
