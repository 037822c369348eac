"""Signatures and subtypes as the API gives and takes them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import Field

from incidents.own.candidate import Candidate
from incidents.own.models import OwnSignature
from incidents.own.try_out import Hit, Tried
from incidents.signatures import Signature
from incidents.subtypes import SUBTYPES


class SubtypeItem(Schema):
    name: str
    failure_class: str
    means: str
    actions: list[str] = Field(description="Actions of the catalogue, the likeliest to heal first.")
    retryable: bool


class SignatureItem(Schema):
    id: str
    tool: str
    own: bool
    failure_class: str
    subtype: str
    rank: str
    retryable: bool | None = Field(description="Of one's own: null says as its subtype.")
    means: str
    decides: str
    literals: list[str]
    source: str = Field("", description="The public page that it was learned from; empty for one's own.")
    pk: int | None = None
    name: str = ""
    pattern: str = ""
    follow: str = ""
    state: str = "in use"
    version: int = 1
    changed_at: datetime | None = None


class SignaturePage(Schema):
    items: list[SignatureItem]
    count: int


class SignatureIn(Schema):
    name: str
    pattern: str = Field(description="A regular expression of RE2 for one line; case does not matter.")
    subtype: str
    means: str
    literals: list[str] = Field([], description="Texts of which one is in every such line; empty: from the pattern.")
    rank: str = "cause"
    retryable: bool | None = None
    decides: str = "log"
    follow: str = ""

    def candidate(self) -> Candidate:
        given = self.dict(exclude={"version"})
        return Candidate(**given | {"literals": tuple(given["literals"])})


class SignatureChange(SignatureIn):
    version: int = Field(description="The version that was read.")


class HitItem(Schema):
    run: str
    line: int
    text: str
    groups: dict[str, str]
    status: str
    incident: int | None
    failure_class: str
    subtype: str


class TriedOut(Schema):
    runs: int
    runs_matched: int
    healthy_lines: int
    healthy_matched: int
    is_cut_short: bool
    hits: list[HitItem]
    near: list[HitItem]


def of_file(one: Signature) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in ("id", "tool", "failure_class", "subtype", "rank", "retryable")},
        **{name: getattr(one, name) for name in ("means", "decides", "source")},
        "own": False,
        "literals": list(one.literals),
    }


def of_row(row: OwnSignature) -> dict[str, Any]:
    candidate, kind = Candidate.of(row.content), SUBTYPES.get(row.subtype)
    return {
        **asdict(candidate),
        "id": f"own/{row.name}@{row.version}",
        "tool": "",
        "own": True,
        "failure_class": kind.failure_class if kind else "",
        "literals": list(candidate.sought),
        **{name: getattr(row, name) for name in ("pk", "state", "version", "changed_at")},
    }


def tried_out(tried: Tried) -> dict[str, Any]:
    counts = ("runs", "runs_matched", "healthy_lines", "healthy_matched", "is_cut_short")
    hits, near = ([_hit(one) for one in many] for many in (tried.hits, tried.near))
    return {**{name: getattr(tried, name) for name in counts}, "hits": hits, "near": near}


def _hit(one: Hit) -> dict[str, Any]:
    return {
        "run": one.run.external_id,
        "line": one.line,
        "text": one.text,
        "groups": one.groups,
        "status": one.run.status,
        "incident": one.incident.number if one.incident else None,
        "failure_class": one.said.failure_class if one.said else "",
        "subtype": one.said.subtype if one.said else "",
    }
