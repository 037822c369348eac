"""What the outside world promises us: the ports that a connector implements as far as it can.

A capability that it lacks is shown as such, never faked. The values that cross this border are in `values` (what is
told and read) and `effects` (what is done).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from integrations.cards import Card, Form, Member, Posted
from integrations.effects import Branch, Capabilities, Change, Diff, Receipt, RunOutcome, RunRequest
from integrations.values import (
    Alert,
    AssetRef,
    Column,
    Commit,
    Health,
    Json,
    Notice,
    Predicate,
    Profile,
    RunReport,
    Version,
    Workload,
)


@dataclass(frozen=True)
class Wiring:
    """What an instance of a connector is built from: `Connector(wiring)`."""

    # The connection's name, unique.
    name: str
    # Its settings, no secret among them.
    config: Mapping[str, Any]
    # Opens a vault entry by name. Raises `SecretUnavailable` in a process that may not.
    secret: Callable[[str], str]
    # Another configured connection's connector, by name.
    peer: Callable[[str], Any]
    # A folder of our own for scratch files: staging copies, worktrees, run folders.
    workspace: Path
    # Header and vault entry that a note names for calls to this connection's host; None for the usual header.
    header: tuple[str, str] | None = None


@runtime_checkable
class Inspector(Protocol):
    """Read only. Each method raises `Unsupported` where the engine has no such thing."""

    def schema(self, asset: AssetRef, version: str = "") -> tuple[Column, ...]: ...
    def versions(self, asset: AssetRef, limit: int = 60) -> tuple[Version, ...]:
        """Newest first."""

    def profile(self, asset: AssetRef, version: str = "", *, increment: bool = False) -> Profile:
        """Of the asset at `version` (now when empty); with `increment`, of only the rows that version added."""

    def sample(self, asset: AssetRef, predicate: Predicate, limit: int = 20) -> tuple[Json, ...]: ...
    def changes(self, paths: Sequence[str], limit: int = 20) -> tuple[Commit, ...]:
        """Newest commits that touch one of `paths` (all paths when empty)."""

    def read_file(self, path: str, version: str = "") -> str: ...


@runtime_checkable
class Workloads(Protocol):
    """Read only: what became of a job where it ran, in the words of the machines that ran it."""

    def workload(self, job: str) -> Workload: ...


@runtime_checkable
class BranchProvider(Protocol):
    """Stage, publish and take back. `BaseMoved` when production is not what was expected."""

    def capabilities(self) -> Capabilities: ...
    def heads(self, assets: Sequence[AssetRef]) -> Mapping[str, str]:
        """Version of production now, keyed like `Branch.base`."""

    def fork(self, name: str, assets: Sequence[AssetRef]) -> Branch:
        """Idempotent: an existing branch of that name whose base is production's head is returned as it is."""

    def apply(self, branch: Branch, change: Change) -> Branch: ...
    def diff(self, branch: Branch) -> Diff: ...
    def publish(self, branch: Branch, *, key: str) -> Receipt:
        """Switch production from `branch.base` to `branch.head`, compare-and-swap, all assets or none."""

    def undo(self, receipt: Receipt, *, key: str) -> Receipt:
        """Put production back; `BaseMoved` when it moved after the publish."""

    def lookup(self, key: str, branch: Branch | None = None) -> Receipt | None:
        """The receipt of an effect that already happened under this key, read from the target itself."""

    def drop(self, branch: Branch) -> None: ...


@runtime_checkable
class PipelineRunner(Protocol):
    def run(self, request: RunRequest) -> RunOutcome: ...
    def lookup(self, key: str) -> RunOutcome | None:
        """The outcome of a completed run under this key; None when it never finished."""

    def revert(self, receipt: Receipt, *, key: str) -> Receipt:
        """Put back what a production run overwrote; `BaseMoved` when someone wrote after it."""

    def parameters(self) -> Mapping[str, Json]:
        """Parameters that a run accepts: name to {"kind": "bytes", "now": "48MB", "max": "2GB"}."""


@runtime_checkable
class EventSource(Protocol):
    """Turns a stored event into its normal form. Pure: no call, no clock."""

    def parse(self, kind: str, payload: Json) -> tuple[RunReport | Alert, ...]: ...
    def fingerprint(self, kind: str, payload: Json) -> str: ...


@runtime_checkable
class Slimming(Protocol):
    """An event source whose events hold much more than is ever read of them."""

    def slim(self, kind: str, payload: Json) -> Json:
        """The payload as it is kept: same meaning, without the rest. Pure."""


@runtime_checkable
class Messenger(Protocol):
    def post(self, notice: Notice) -> str:
        """Send; returns the channel's own id of the message."""


@runtime_checkable
class LiveMessenger(Protocol):
    """A messenger whose messages are changed in place, have a thread, and can be answered.

    Raises `Unreachable` when it may work later, `Gone` when the channel, the message or the grant is no more.
    """

    def post_card(self, channel: str, card: Card) -> Posted: ...
    def update_card(self, at: Posted, card: Card) -> None: ...
    def reply(self, at: Posted, text: str, links: Sequence[tuple[str, str]] = ()) -> Posted:
        """One message in the thread of a card; `links` are (label, address in the console), shown after the text."""

    def whisper(self, channel: str, person: str, text: str, link: str = "") -> None:
        """Seen by one person only."""

    def open_form(self, trigger: str, form: Form) -> None: ...
    def member(self, person: str) -> Member: ...


@runtime_checkable
class Testable(Protocol):
    def test(self) -> Health: ...
