"""The shape of a plan: ordered steps that carry out an action, each naming where it runs and how it is undone.

A plan is data, whole: every byte that will run stands in `params`. Its canonical JSON is what people sign.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from integrations.values import Json

# fork    staging     {"assets": [uri, ...]}                         BranchProvider.fork
# change  staging     an effects.Change as JSON, its `kind` names it  BranchProvider.apply
# run     staging     {"jobs", "select", "parameters"}               PipelineRunner.run on the branches
# publish production  {"assets": [uri, ...]}                         BranchProvider.publish, compare-and-swap
# rerun   production  {"jobs", "select", "parameters", "attempts"}   PipelineRunner.run
# ask     production  {"to": {"name", "email"}, "then": [the same], "message", "due_h"}  a Request and its messages;
#                     steps after it wait until the data proves that it is done
# close   production  {"resolution"}                                 resolve the incident
StepKind = Literal["fork", "change", "run", "publish", "rerun", "ask", "close"]
OnRed = Literal["undo", "stop"]


@dataclass(frozen=True)
class Step:
    kind: StepKind
    # One line, as the page shows it.
    title: str
    where: Literal["staging", "production"]
    # Name of the connection that carries it out; empty for our own steps.
    connection: str
    params: Json
    # The action of the catalogue that this step belongs to.
    action: str
    # How it is taken back, in words; empty when there is nothing to take back.
    undo: str = ""


@dataclass(frozen=True)
class Caps:
    """Exceeded on the way: stop before publish (reliability.md, bar 22)."""

    rows: int = 10_000  # directly edited; the larger of this and 1 %
    tables: int = 3  # edited; rebuilt ones do not count
    seconds: int = 900


@dataclass(frozen=True)
class Window:
    """When it may start, for `retry_later`: ISO times, UTC."""

    not_before: str
    not_after: str


@dataclass(frozen=True)
class Plan:
    action: str
    title: str
    # Why this heals it, one sentence.
    why: str
    incident: int
    root_asset: str  # uri
    steps: tuple[Step, ...]
    # What happens when production is red after publish.
    on_red: OnRed
    targets: tuple[str, ...]  # uris of the assets that are edited
    caps: Caps = field(default_factory=Caps)
    window: Window | None = None

    def as_json(self) -> Json:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Plan:
        window = value.get("window")
        return cls(
            **{
                **value,
                "steps": tuple(Step(**step) for step in value["steps"]),
                "targets": tuple(value["targets"]),
                "caps": Caps(**value["caps"]),
                "window": Window(**window) if window else None,
            }
        )

    def on(self, where: str) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.where == where)
