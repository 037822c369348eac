"""Commits as causes: a reference to something that was removed, and a model that was broken."""

from __future__ import annotations

from pathlib import PurePosixPath

from incidents.case import Case
from incidents.history import History
from incidents.models import Asset
from incidents.verdict import Verdict, claim, code, not_so
from integrations.values import Json

# What an engine says when the code is wrong, or when the code and its sources no longer fit together.
CODE = {"syntax", "binder", "compile", "contract", "import", "name", "missing_column", "missing_relation"}

# Of these, what a change of something further upstream can cause; the rest is wrong in the failing file itself.
FITS = {"binder", "contract", "missing_column", "missing_relation"}


def missing_ref(case: Case, history: History) -> Verdict | None:
    hit = case.says("missing_ref")
    if hit is None or "missing" not in hit.groups:
        return None
    missing, evidence = hit.groups["missing"], case.dossier.cites("log", "signature")
    referring = _referring(case, hit.groups.get("node", ""), hit.groups.get("path", ""))
    path = referring.path if referring else hit.groups.get("path", "")
    blamed = _that_removed(history, missing, path)
    facts = {"missing": missing, **_commit_facts(blamed, path, referring or case.root)}
    known = referring.name if referring else path
    refers = known or "A model"
    claims = [
        claim(
            f"{code(known) if known else 'A model'} refers to {code(missing)}, which is not in the project.",
            *evidence,
        )
    ]
    text = f"{refers} refers to {missing}, which is not there."
    if blamed:
        text = f"Commit {blamed['sha'][:7]} ({blamed['subject']}) removed {missing}, and {refers} still refers to it."
        claims.append(
            claim(f"Commit {code(blamed['sha'][:7])} by {blamed['author']} changed what it was.", history.label)
        )
    held = [not_so("A failure of the data", "The project could not be compiled, so no data was read.", *evidence)]
    return Verdict("code", "missing_ref", text, facts, claims, held, 0.95 if blamed else 0.75, referring)


def bad_commit(case: Case, history: History) -> Verdict | None:
    """Root is the touched model nearest to the failure: the failing one itself, else one that it reads from."""
    hit = case.says(*CODE)
    broken = hit or (case.failed and any(row.kind == "test" for row in case.failed))
    if not broken or not history.is_known or _sources_changed(case):
        return None
    near = _near(case) if hit is None or hit.signature.subtype in FITS else [case.root]
    found = next(((asset, commits) for asset in near if (commits := history.touching([asset.path]))), None)
    if found is None:
        return None
    asset, commits = found
    blamed = commits[0]
    evidence, read = case.dossier.cites("log", "signature"), case.dossier.cites("schema")
    subtype_said = hit.signature.means if hit else "A test on its result fails."
    claims = [
        claim(f"{code(case.root.name)} fails: {subtype_said} {_quote(hit.text if hit else '')}".strip(), *evidence),
        claim(
            f"Commit {code(blamed['sha'][:7])} by {blamed['author']} changed {code(asset.path)} "
            "since the last good run.",
            history.label,
        ),
    ]
    held = []
    if read:
        held.append(not_so("A change of the source's columns", "Their names and types are what they were.", *read))
    for older in commits[1:3]:
        why = "It is older than the newest change of the same file."
        held.append(not_so(f"Commit {older['sha'][:7]} ({older['subject']})", why, history.label))
    text = f"Commit {blamed['sha'][:7]} ({blamed['subject']}) broke {asset.name}."
    confidence = (0.92 if asset.pk == case.root.pk else 0.8) if hit else 0.6
    return Verdict(
        "code", "bad_commit", text, _commit_facts(blamed, asset.path, asset), claims, held, confidence, asset
    )


def _sources_changed(case: Case) -> bool:
    """Whether a schema that was compared is not what it was: then a commit is not the only thing that changed."""
    return any(item.kind == "schema" and item.body["columns"] for item in case.dossier.items)


def _near(case: Case) -> list[Asset]:
    """The failing model, then what it reads from, nearest first; only what has a file."""
    seen = {case.root.pk: case.root} | {asset.pk: asset for asset in case.upstream}
    return [asset for asset in seen.values() if asset.path]


def _commit_facts(commit: Json | None, path: str, asset: Asset) -> Json:
    known = commit or {}
    return {
        "commit": known.get("sha", ""),
        "subject": known.get("subject", ""),
        "author": known.get("author", ""),
        "paths": list(known.get("paths", [])),
        "path": path,
        "asset": asset.ref.uri,
    }


def _referring(case: Case, node: str, path: str) -> Asset | None:
    """The asset that the message names, by its unique id, else by its file, which the tool tells without the folder."""
    found = Asset.objects.filter(meta__unique_id=node.strip("'")).first() if node else None
    if found is None and path:
        name = f"/{path}"
        found = next((a for a in Asset.objects.filter(path__endswith=path) if f"/{a.path}".endswith(name)), None)
    return found or (case.root if case.root.kind != "job" else None)


def _that_removed(history: History, missing: str, path: str) -> Json | None:
    """The newest commit that touched the file of what is missing; else the one that touched the file that refers."""
    touched = [c for c in history.commits if any(PurePosixPath(p).stem == missing for p in c["paths"])]
    return next(iter(touched or history.touching([path])), None)


def _quote(text: str) -> str:
    return f"“{text.strip()[:160]}”" if text.strip() else ""
