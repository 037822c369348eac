"""A source column has a new name: the files that read it learn it, and what they give out stays."""

from __future__ import annotations

import difflib

from approvals.plan import Plan
from approvals.remedies.case import Case, NoPlan
from approvals.remedies.change import change_plan
from approvals.remedies.mapping import CannotEdit, Rename, edited
from approvals.remedies.mapping_yaml import edited_yaml
from approvals.remedies.rollback import code_parts, file_at_head
from incidents.models import Asset
from integrations.effects import ApplyPatch
from integrations.models import Connection

_YAML = (".yml", ".yaml")


def update_schema_mapping(case: Case) -> Plan:
    repository, asset = case.repository(), case.asset()
    old, new = str(case.fact("old")), str(case.fact("new"))
    rename = Rename(source_names(asset), asset.name, old, new)
    diffs = {path: diff for path in _paths(case, asset) if (diff := _diff(repository, path, rename))}
    if not diffs:
        raise NoPlan(f"No file was found that reads {old} of {asset.name} in a way that can be edited.")
    files = ", ".join(path.rpartition("/")[2] for path in diffs)
    return change_plan(
        case,
        "update_schema_mapping",
        title=f"Read {asset.name}.{new} where {old} was read, in {files}"[:300],
        why=f"The column {old} of {asset.name} is called {new} now; its values are of the same kind.",
        holder=repository,
        change=ApplyPatch(
            "".join(diffs.values()), f"Read {new} where {asset.name} had {old}\n\nFor INC-{case.number}."
        ),
        change_title=f"Edit {files}"[:300],
        assets=[],
        parts=code_parts(case, repository, [path for path in diffs if not path.endswith(_YAML)]),
        undo="A new commit restores the files.",
    )


def source_names(asset: Asset) -> tuple[str, str]:
    """dbt's names of a source: from its unique_id where the manifest told, else schema and table."""
    told = str(asset.meta.get("unique_id", "")).split(".")
    if told[0] == "source" and len(told) >= 4:
        return told[-2], told[-1]
    schema, _, table = asset.name.rpartition(".")
    return schema.rpartition(".")[2], table


def unified(path: str, before: str, after: str) -> str:
    """A diff that `git apply` takes, also where the last line has no end."""
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"a/{path}", f"b/{path}")
    body = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return f"diff --git a/{path} b/{path}\n{body}" if body else ""


def _paths(case: Case, asset: Asset) -> list[str]:
    """The files that the diagnosis names, those of its models, and the one that declares the source."""
    models = [found for uri in case.facts.get("models") or [] if (found := case.by_uri(uri))]
    told = [*(case.facts.get("paths") or []), *(model.path for model in models), asset.path]
    return sorted({path for path in told if path.endswith((".sql", *_YAML))})


def _diff(repository: Connection, path: str, rename: Rename) -> str:
    before = file_at_head(repository, path)
    if before is None:
        return ""
    try:
        after = edited_yaml(before, rename) if path.endswith(_YAML) else edited(before, rename)
    except CannotEdit as error:
        raise NoPlan(f"{path} has to be edited by a person, because {error}.") from error
    return unified(path, before, after)
