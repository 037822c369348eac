"""Everything a diagnosis looks at, opened once: the incident, the run that failed, its log, and the way to ask more."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.core.redact import redact
from incidents import lineage
from incidents.classify import LogReading, classify
from incidents.evidence import Dossier
from incidents.models import Asset, Incident, Run, RunResult
from incidents.own.lexicon import lexicon
from incidents.signatures import Match
from integrations.errors import IntegrationError
from integrations.gateway_client import Gateway, Reading, named
from integrations.models import Connection
from integrations.registry import CONNECTORS
from integrations.values import Json

log = logging.getLogger(__name__)

NEAR = 40  # assets upstream that may be asked about


@dataclass
class Case:
    incident: Incident
    dossier: Dossier = field(default_factory=Dossier)
    # What could not be read, and why: the diagnosis says so instead of guessing.
    unread: list[str] = field(default_factory=list)
    # Whom to ask about it, in sentences: said when nothing else decides.
    asks: list[str] = field(default_factory=list)

    @property
    def root(self) -> Asset:
        return self.incident.root_asset

    @cached_property
    def run(self) -> Run | None:
        """The run that failed first; for a finding about data, the last one that wrote the asset."""
        if self.incident.run:
            return self.incident.run
        runs = Run.objects.filter(outputs__contains=[self.root.pk], environment="production")
        return runs.select_related("job").order_by("-started_at").first()

    @cached_property
    def job(self) -> Asset | None:
        return self.run.job if self.run else None

    @cached_property
    def runner(self) -> Connection | None:
        """The connection that can run the job again."""
        kinds = [entry.kind for entry in CONNECTORS.values() if "PipelineRunner" in entry.ports]
        spaces = [self.job.namespace] if self.job else []
        found = Connection.objects.filter(enabled=True, kind__in=kinds, config__namespace__in=spaces)
        return found.order_by("pk").first()

    @cached_property
    def code(self) -> str:
        """Name of the git connection that holds the job's code; empty when none is known."""
        return str(self.runner.config.get("git", "")) if self.runner else ""

    @cached_property
    def failed(self) -> list[RunResult]:
        """What failed in that run, this incident's own first."""
        if self.incident.run is None:
            return []
        rows = self.incident.run.results.filter(status="failed").select_related("asset").order_by("pk")
        mine = {self.root.pk, *self.incident.members.values_list("asset", flat=True)}
        return sorted(rows, key=lambda row: (row.asset_id != self.root.pk, row.asset_id not in mine))

    @cached_property
    def alerts(self) -> list[Json]:
        """Findings of our own detector that belong here, the one that opened the incident first."""
        members = self.incident.members.filter(event__kind="drift").select_related("event")
        payloads = {member.event_id: member for member in members}
        ordered = sorted(payloads.values(), key=lambda member: (member.role != "root", member.pk))
        return [member.event.payload for member in ordered if member.event.payload.get("status") == "firing"]

    @cached_property
    def lines(self) -> list[str]:
        """The log, then what failing results say that is not in it; secrets covered."""
        run = self.incident.run
        if run is None:
            return redact("\n".join(m.message for m in self.incident.members.order_by("pk"))).splitlines()
        return redact(spoken(run.log or run.error, [run.error, *(row.message for row in self.failed)])).splitlines()

    @cached_property
    def reading(self) -> LogReading:
        """What the lines say by themselves, without what the last good run said as well."""
        good = self.last_good.log if self.last_good else ""
        tool = self.runner.kind if self.runner else ""
        return classify("\n".join(self.lines), tool=tool, good=good or None, lexicon=lexicon())

    @cached_property
    def decisive(self) -> list[Match]:
        """Known lines, the one that decides first: of this incident's own messages, or all where those say nothing."""
        said = "\n".join(row.message for row in self.failed if row.asset_id == self.root.pk)
        own = {line.strip() for line in redact(said).splitlines()}
        return [hit for hit in self.reading.known if hit.text.strip() in own] or list(self.reading.known)

    def says(self, *subtypes: str) -> Match | None:
        """The line that says one of `subtypes`, if that is what decides or a cause beside it.

        Beside what the team itself wrote nothing else decides.
        """
        first = self.decisive[0].signature.subtype if self.decisive else ""
        is_own = bool(self.decisive) and self.decisive[0].signature.is_own
        return next(
            (
                hit
                for hit in self.decisive
                if hit.signature.subtype in subtypes
                and (hit.signature.subtype == first or (hit.signature.is_cause and not is_own))
            ),
            None,
        )

    @cached_property
    def upstream(self) -> list[Asset]:
        """Nearest first, jobs left out."""
        return [asset for asset in lineage.upstream(self.root)[:NEAR] if asset.kind != "job"]

    @cached_property
    def downstream(self) -> list[Asset]:
        return lineage.downstream(self.root)

    @cached_property
    def last_good(self) -> Run | None:
        """The job's last good production run before the one that failed."""
        if self.run is None:
            return None
        earlier = Run.objects.filter(job=self.run.job, environment="production", status="success").exclude(
            pk=self.run.pk
        )
        if self.run.started_at:
            earlier = earlier.filter(started_at__lt=self.run.started_at)
        return earlier.order_by("-started_at").first()

    @cached_property
    def gateway(self) -> Gateway:
        """One grant: the connections that serve the assets at hand, the runner, its code and what it builds into."""
        spaces = {asset.namespace for asset in (self.root, *self.upstream, *self.inputs, *self.results_assets)}
        names = set(
            Connection.objects.filter(enabled=True, config__namespace__in=spaces).values_list("name", flat=True)
        )
        if self.runner:
            names |= {self.runner.name, self.code, str(self.runner.config.get("engine", ""))}
        return Gateway(self.incident.pk, names - {""})

    @cached_property
    def inputs(self) -> list[Asset]:
        """What the job reads: as its runs said, and as lineage knows."""
        if self.job is None:
            return []
        ids = {*(self.run.inputs if self.run else ()), *self.job.edges_up.values_list("upstream", flat=True)}
        return list(Asset.objects.filter(pk__in=ids).order_by("pk"))

    @property
    def results_assets(self) -> list[Asset]:
        return [row.asset for row in self.failed]

    def about(self, tool: str, asset: Asset, **arguments: Any) -> Reading | None:
        """A reading about an asset; None when nobody is connected there, or it cannot say."""
        return self._read(tool, {"namespace": asset.namespace, "name": asset.name, **arguments})

    def of(self, tool: str, connection: str, **arguments: Any) -> Reading | None:
        """A reading of a connection as a whole."""
        return self._read(tool, {"connection": connection, **arguments}) if connection else None

    def _read(self, tool: str, arguments: Json) -> Reading | None:
        if named(tool, arguments) is None:
            return None
        try:
            return self.gateway.read(tool, arguments)
        except IntegrationError as error:
            where = arguments.get("connection") or arguments.get("name")
            log.info("%s: %s of %s was not read: %s", self.incident, tool, where, error)
            self.unread.append(f"{tool} of {where}: {error}")
            return None


def spoken(log: str, messages: Iterable[str]) -> str:
    """The log, then the messages that are not in it."""
    for text in messages:
        log += "" if not text or _first(text) in log else f"\n{text}"
    return log


def _first(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
