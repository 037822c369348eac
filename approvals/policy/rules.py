"""The rules of a policy: when each fits, and what it demands then. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace

from app.core.canonical import sha256
from app.core.errors import Invalid
from app.core.roles import APPROVER, ROLES
from approvals.catalogue import CATALOGUE, RISKS
from integrations.values import Json

UNKNOWN = "unknown"  # a tier, an owner or a class that nobody told us
CLASSES = ("infrastructure", "code", "data", "transient")
DOORS = ("web", "slack", "api")
SAFE_DOORS = ("web",)  # the only one where a second factor can be given: at high risk (reliability.md section 4)
HIGH_QUORUM = 2
MOST_RULES, MOST_VALUES, MOST_SIGNATURES, LONGEST_H = 60, 40, 5, 24
NAME_LIMIT, VALUE_LIMIT = 120, 300  # characters
ENGINE = 1  # raised when the same rules come to mean something else, so that open approvals are void


@dataclass(frozen=True)
class When:
    """Conditions that must all hold, each with the values of which any will do. Without any it fits everything."""

    # Failure class of the incident, the action, the risk: words from their lists.
    failure_class: tuple[str, ...] = ()
    action: tuple[str, ...] = ()
    risk: tuple[str, ...] = ()
    # Patterns (`*`, `?`) on the name or the uri of the assets that the plan touches: some of them; all of them.
    asset: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    # Of some asset that it touches: its tier; its owner's name or e-mail, a pattern.
    tier: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    # Name of a connection through which it is carried out, a pattern.
    connection: tuple[str, ...] = ()


@dataclass(frozen=True)
class Needs:
    """What is demanded of the signatures. `floored` adds what no rule can take away."""

    signatures: int = 1
    # Each signer has one of these roles, beside the right to decide.
    roles: tuple[str, ...] = (APPROVER,)
    # Each signer is in one of these groups; empty: anybody.
    groups: tuple[str, ...] = ()
    # At least one signature from each of these groups.
    one_from: tuple[str, ...] = ()
    doors: tuple[str, ...] = DOORS
    # A second factor, given in the last ten minutes.
    second_factor: bool = False
    # Hours after which nobody can sign any more; None: as the loads of the assets say.
    within_h: int | None = None


@dataclass(frozen=True)
class Rule:
    name: str
    when: When = field(default_factory=When)
    needs: Needs = field(default_factory=Needs)

    def as_json(self) -> Json:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Json) -> Rule:
        when = {name: tuple(values) for name, values in value["when"].items()}
        needs: Json = {name: tuple(part) if isinstance(part, list) else part for name, part in value["needs"].items()}
        return cls(value["name"], When(**when), Needs(**needs))


@dataclass(frozen=True)
class Problem:
    """What is wrong with the rule at `at` (from 0), in which part of it (`name`, `when.<x>`, `needs.<x>`)."""

    at: int
    part: str
    message: str


def floored(needs: Needs, risk: str) -> Needs:
    """The demand with what DESIGN.md fixes for this risk. A rule may ask for more, never for less."""
    least = HIGH_QUORUM if risk == "high" else 1
    doors = SAFE_DOORS if risk == "high" or needs.second_factor else needs.doors
    return replace(needs, signatures=max(needs.signatures, least), doors=doors)


def digest(rules: tuple[Rule, ...]) -> str:
    """What a proposal binds of the policy."""
    return sha256([ENGINE, [rule.as_json() for rule in rules]])


def check(rules: tuple[Rule, ...]) -> None:
    """Raises Invalid with every problem, each with its rule and what to do."""
    if found := list(problems(rules)):
        raise Invalid(" ".join(f"Rule {one.at + 1}: {one.message}" if rules else one.message for one in found))


def problems(rules: tuple[Rule, ...]) -> Iterator[Problem]:
    if not rules:
        yield Problem(0, "name", "A policy has at least one rule. Add one that fits everything.")
    if len(rules) > MOST_RULES:
        yield Problem(MOST_RULES, "name", f"A policy has at most {MOST_RULES} rules. Join some.")
    names = [rule.name.casefold() for rule in rules]
    for at, rule in enumerate(rules):
        if rule.name.casefold() in names[:at]:
            yield Problem(at, "name", f"There is another rule called “{rule.name}”. Give it a name of its own.")
        is_last = at == len(rules) - 1
        if is_last and rule.when != When():
            yield Problem(at, "when", "The last rule must fit everything. Take its conditions away, or add one after.")
        if not is_last and rule.when == When():
            yield Problem(at, "when", "It fits everything, so no later one is asked. Name a condition or move it down.")
        yield from (Problem(at, part, message) for part, message in _of(rule))


def _of(rule: Rule) -> Iterator[tuple[str, str]]:
    if not rule.name.strip() or len(rule.name) > NAME_LIMIT or not rule.name.isprintable():
        yield "name", f"Give it a name of at most {NAME_LIMIT} characters on one line: pages show it as the reason."
    for part in fields(When):
        yield from ((f"when.{part.name}", told) for told in _values(part.name, getattr(rule.when, part.name)))
    yield from _needed(rule.needs)


def _values(part: str, values: tuple[str, ...]) -> Iterator[str]:
    if len(values) > MOST_VALUES:
        yield f"At most {MOST_VALUES} values. Use a pattern."
    if any(not value.strip() or len(value) > VALUE_LIMIT or not value.isprintable() for value in values):
        yield f"A value has 1 to {VALUE_LIMIT} characters that can be seen."
    known = {"failure_class": (*CLASSES, UNKNOWN), "action": tuple(CATALOGUE), "risk": RISKS}.get(part)
    if known and (strange := [value for value in values if value not in known]):
        yield f"Unknown: {', '.join(strange)[:VALUE_LIMIT]}. Possible: {', '.join(known)}."


def _needed(needs: Needs) -> Iterator[tuple[str, str]]:
    if not 1 <= needs.signatures <= MOST_SIGNATURES:
        yield "needs.signatures", f"Between 1 and {MOST_SIGNATURES}, please."
    if not needs.roles or set(needs.roles) - set(ROLES):
        yield "needs.roles", f"Name at least one of: {', '.join(ROLES)}."
    if "web" not in needs.doors or set(needs.doors) - set(DOORS):
        yield "needs.doors", f"The web, and beside it any of: {', '.join(DOORS[1:])}."
    if needs.within_h is not None and not 1 <= needs.within_h <= LONGEST_H:
        yield "needs.within_h", f"Between 1 and {LONGEST_H} hours, or leave it away."
    for part in ("groups", "one_from"):
        if told := next(_values(part, getattr(needs, part)), ""):
            yield f"needs.{part}", told
    if len(needs.one_from) > needs.signatures:
        words = f"{len(needs.one_from)} groups must sign and only {needs.signatures} signature is asked for. Raise it."
        yield "needs.signatures", words
