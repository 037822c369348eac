"""What no text of a plan may hold, whoever signs it (formats.md, section 14, "never"). Pure, and pinned by its hash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from approvals.patches import Patch

BACKFILL = timedelta(days=7)
# Dropping, grants and who may what; and what starts a program from within a database.
STATEMENT = re.compile(
    r"\b(drop|grant|revoke|truncate|(?:alter|create)\s+(?:role|user|login)|alter\s+default\s+privileges"
    r"|copy\b.*\bprogram|assume_?role|(?:put|attach)_?(?:role|user|group)_?policy)\b",
    re.IGNORECASE,
)
# Rows written by hand into code are rows that nobody delivered.
INVENTED = re.compile(r"\binsert\s+into\b.*\bvalues\b|\bvalues\s*\(\s*(?:'|\d|null)", re.IGNORECASE)
# A name that promises a secret, with a literal beside it; and keys that say themselves what they are.
CREDENTIAL = re.compile(
    r"(?:password|passwd|secret|token|api_?key|access_?key|private_?key)\w*[\"']?\s*[=:]\s*[\"'][^\"'{}$<>\s]{6,}[\"']"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY|://[^\s:/@{}$]+:[^\s@/{}$]+@",
    re.IGNORECASE,
)
SECRET_PATH = re.compile(
    r"(^|[._/-])(secrets?|credentials?|passwords?|private|id_rsa|pgpass|netrc|env)([._/-]|$)", re.IGNORECASE
)
CI = (".github", ".gitlab", ".circleci", ".ci", ".git", ".buildkite", "jenkinsfile", ".gitlab-ci.yml", "dockerfile")
# What machines, clusters, grants and connections are made of: outside a typed action of the catalogue it is people's.
MACHINES = re.compile(
    r"(^|/)(terraform|pulumi|cloudformation|ansible|helm|charts?|k8s|kubernetes|kustomize|infra|infrastructure|iam"
    r"|grants?|rbac)(/|$)|(^|/)((docker-)?compose[^/]*|chart|kustomization|serverless|profiles)\.ya?ml$",
    re.IGNORECASE,
)
WHOLE = re.compile(r"full[_-]?refresh|rebuild[_-]?all", re.IGNORECASE)
DAYS = re.compile(r"(backfill|lookback|look_back|catch_?up|history)\w*", re.IGNORECASE)
DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?")
OFF = {"", "0", "false", "no", "off", "none"}


def in_patch(patch: Patch) -> Iterator[str]:
    """Why what the patch adds is never allowed."""
    added = "\n".join(patch.added)
    if found := STATEMENT.search(added):
        yield f"The patch adds a statement that is never allowed: {found.group(1).lower()}."
    if CREDENTIAL.search(added):
        yield "The patch adds what looks like a credential of production."
    if INVENTED.search(added) or (patch.added and any(path.lower().endswith(".csv") for path in patch.paths)):
        yield "The patch writes rows by hand; rows are never invented."


def in_path(path: str) -> Iterator[str]:
    pure = PurePosixPath(path)
    if any(part.lower().startswith(CI) for part in pure.parts) or SECRET_PATH.search(path):
        yield f"{path} is for people alone: builds and secrets are never patched."
    elif MACHINES.search(path):
        yield f"{path} is for people alone: machines, grants and connections are never patched."


def in_parameters(parameters: dict[str, Any]) -> Iterator[str]:
    """Why a run with these parameters is never allowed: statements, credentials, more than a week again."""
    for name, value in parameters.items():
        if STATEMENT.search(f"{name} {value}"):
            yield f"The parameter {name} is a statement."
        if CREDENTIAL.search(f"{name} = '{value}'"):
            yield f"The parameter {name} looks like a credential of production."
        if WHOLE.search(name) and str(value).strip().lower() not in OFF:
            yield f"The parameter {name} would run everything again; at most {BACKFILL.days} days are allowed."
        if DAYS.fullmatch(name) and _number(value) > BACKFILL.days:
            yield f"The parameter {name} reaches back {value} days; at most {BACKFILL.days} are allowed."
    dates = sorted(_dates(parameters))
    if dates and dates[-1] - dates[0] > BACKFILL:
        yield f"It would run {(dates[-1] - dates[0]).days} days again; at most {BACKFILL.days} are allowed."


def _dates(parameters: dict[str, Any]) -> Iterator[datetime]:
    for text in DATE.findall(" ".join(str(value) for value in parameters.values())):
        yield datetime.fromisoformat(text)


def _number(value: Any) -> float:
    found = re.search(r"\d+(?:\.\d+)?", str(value))
    return float(found.group()) if found else 0.0
