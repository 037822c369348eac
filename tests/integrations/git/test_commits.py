"""Patches and reverts as commits, and files with names that nobody would choose."""

from __future__ import annotations

from pathlib import Path

import pytest

from integrations.effects import ApplyPatch, RevertCommit
from integrations.errors import Refused
from integrations.git.connector import Connector
from tests.contracts.worlds import PATCH, git, repository, wiring

ODD = 'we ird\n"ü\t.txt'


@pytest.fixture
def code(tmp_path: Path) -> Connector:
    folder = repository(tmp_path, {"a.sql": "select 1\n", ODD: "x\n", "-f": "y\n"})
    return Connector(wiring(tmp_path, namespace="git://code", path=str(folder)))


def commit(code: Connector, files: dict[str, str], message: str) -> str:
    for name, text in files.items():
        (code.git.path / name).write_text(text)
    git(code.git.path, "add", "--all")
    git(code.git.path, "commit", "--quiet", "-m", message)
    return code.head()


def test_a_commit_is_taken_back_and_later_ones_stay(code: Connector) -> None:
    bad = commit(code, {"a.sql": "select bad\n"}, "Break it")
    commit(code, {"b.sql": "select 2\n"}, "Go on")
    branch = code.apply(code.fork("inc-1", []), RevertCommit(bad, "Take it back"))
    assert code.read_file("a.sql", branch.head["commit"]) == "select 1\n"
    assert code.read_file("b.sql", branch.head["commit"]) == "select 2\n"
    assert [(change.path, change.added, change.removed) for change in code.diff(branch).code] == [("a.sql", 1, 1)]


def test_a_merge_is_taken_back_by_its_first_parent(code: Connector) -> None:
    folder = code.git.path
    git(folder, "checkout", "--quiet", "-b", "side")
    commit(code, {"side.sql": "select 3\n"}, "Aside")
    git(folder, "checkout", "--quiet", "main")
    commit(code, {"b.sql": "select 2\n"}, "Go on")
    git(folder, "merge", "--quiet", "--no-ff", "-m", "Merge side", "side")
    assert code.changes([])[0].paths == ("side.sql",)
    branch = code.apply(code.fork("inc-1", []), RevertCommit(code.head(), "Take it back"))
    assert [change.path for change in code.diff(branch).code] == ["side.sql"]


def test_a_revert_that_conflicts_is_refused(code: Connector) -> None:
    bad = commit(code, {"a.sql": "select bad\n"}, "Break it")
    commit(code, {"a.sql": "select worse\n"}, "Break it more")
    with pytest.raises(Refused, match="cleanly"):
        code.apply(code.fork("inc-1", []), RevertCommit(bad, "Take it back"))


def test_a_commit_that_production_does_not_run_is_not_reverted(code: Connector) -> None:
    git(code.git.path, "checkout", "--quiet", "-b", "side")
    aside = commit_on_side(code)
    with pytest.raises(Refused):
        code.apply(code.fork("inc-1", []), RevertCommit(aside, "Take it back"))


def commit_on_side(code: Connector) -> str:
    commit(code, {"side.sql": "select 3\n"}, "Aside")
    return git(code.git.path, "rev-parse", "side")


def test_the_same_change_makes_the_same_commit(code: Connector) -> None:
    heads = set()
    for name in ("inc-1", "inc-2"):
        heads.add(code.apply(code.fork(name, []), ApplyPatch(PATCH, "Select two")).head["commit"])
    assert len(heads) == 1


@pytest.mark.parametrize(
    "diff",
    [
        "",
        "not a diff",
        PATCH.replace("select 1", "select 9"),
        PATCH.replace("a.sql", "../outside.sql"),
        PATCH.replace("a.sql", ".git/config"),
        "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n",
        PATCH + "+" * 1_000_001,
    ],
)
def test_a_patch_that_does_not_apply_cleanly_inside_is_refused(code: Connector, diff: str) -> None:
    branch = code.fork("inc-1", [])
    with pytest.raises(Refused):
        code.apply(branch, ApplyPatch(diff, "No"))
    assert code.fork("inc-1", []).head == branch.base


def test_hooks_and_filters_of_the_repository_do_not_run(code: Connector, tmp_path: Path) -> None:
    hook = code.git.path / ".git/hooks/reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    code.publish(code.apply(code.fork("inc-1", []), ApplyPatch(PATCH, "Select two")), key="k")
    assert not (tmp_path / "ran").exists()


def test_odd_names_are_read_listed_and_exported(code: Connector, tmp_path: Path) -> None:
    commit(code, {ODD: "z\n", "-f": "z\n"}, "Touch them")
    assert set(code.changes([ODD, "-f"])[0].paths) == {ODD, "-f"}
    assert {change.path for change in code.show(code.head())} == {ODD, "-f"}
    code.export("", tmp_path / "out")
    assert (tmp_path / "out" / ODD).read_text() == "z\n"
    assert code.read_file("-f") == "z\n"


def test_a_file_or_commit_that_is_not_there_is_refused(code: Connector) -> None:
    for path, version in (("none.sql", ""), ("a.sql", "f" * 40), ("a.sql", "--help"), ("../a.sql", "")):
        with pytest.raises(Refused):
            code.read_file(path, version)


def test_a_checked_out_working_copy_follows_and_a_persons_own_edits_stay(code: Connector) -> None:
    (code.git.path / "-f").write_text("mine\n")
    code.publish(code.apply(code.fork("inc-1", []), ApplyPatch(PATCH, "Select two")), key="k")
    assert (code.git.path / "a.sql").read_text() == "select 2\n"
    assert git(code.git.path, "status", "--short", "--", ".") == "M -f"


def test_the_connection_says_how_it_is(code: Connector, tmp_path: Path) -> None:
    assert code.test().ok
    missing = Connector(wiring(tmp_path, namespace="git://code", path=str(tmp_path / "nowhere")))
    assert not missing.test().ok and missing.test().hint
