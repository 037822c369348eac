"""The house rules of DESIGN.md section 4 and the budgets, read from the code itself."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ["app.core", "integrations", "knowledge", "incidents", "approvals", "app"]  # later may import earlier
HOMES = {
    "slack_sdk": ("integrations/slack/",),
    "langchain": ("integrations/llm/", "incidents/agent/"),
    "boto3": ("integrations/secrets_manager.py",),
    "botocore": ("integrations/secrets_manager.py",),
    "pyiceberg": ("integrations/iceberg/", "integrations/demo/"),
    "ninja": ("*/api.py", "*/schemas.py"),
    "celery": ("app/celery.py", "*/tasks.py", "app/launcher/"),
}
CHAPTER_FOLDERS = {"app", "incidents", "knowledge", "approvals", "integrations"}
TOP_LEVEL = CHAPTER_FOLDERS | {"templates", "tests", "manage.py", "pyproject.toml", "README.md"}
BESIDE = {"requirements.lock", "LICENSE", "Dockerfile", "compose.yaml"}
FILE, FUNCTION, TEST_FILE, FRAGMENT, PAGE = 300, 40, 200, 60, 140  # lines
# A function may import late where the module is slow or needs what exists only later; each with its reason.
LATE_IMPORTS = {
    "integrations/registry.py": "connectors load on first use",
    "integrations/secrets_manager.py": "boto3 is an extra, and slow: only who points to AWS needs it",
}
BROAD = 2  # the worker's edge and the webhook's edge


def sources(*, tests: bool = False) -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"], cwd=ROOT, capture_output=True, text=True
    )
    for name in sorted(set(listed.stdout.split())):
        path = ROOT / name
        ours = "/migrations/" not in name and "demo/pipeline/" not in name  # that is the user's code of the demo
        if path.exists() and ours and name.startswith("tests/") == tests:
            yield path


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def chapter(module: str) -> int | None:
    if module == "app.core" or module.startswith("app.core."):
        return 0
    top = module.split(".")[0]
    return CHAPTERS.index(top) if top in CHAPTERS else None


def test_a_later_chapter_may_import_an_earlier_one_never_the_other_way() -> None:
    wrong = []
    for path in sources():
        mine = chapter(name_of(path).removesuffix(".py").replace("/", "."))
        wrong += [
            f"{name_of(path)}: {other}" for other in imported(path) if mine is not None and (chapter(other) or 0) > mine
        ]
    assert wrong == []


def test_each_outside_library_stays_at_home() -> None:
    wrong = []
    for path in sources():
        for other in imported(path):
            homes = HOMES.get(other.split(".")[0].split("_")[0]) or HOMES.get(other.split(".")[0])
            if homes and not any(at_home(name_of(path), home) for home in homes):
                wrong.append(f"{name_of(path)}: {other}")
    assert wrong == []


def at_home(name: str, home: str) -> bool:
    return Path(name).match(home) if "*" in home else name.startswith(home) or name == home


def test_only_the_registry_names_concrete_connectors() -> None:
    kinds = {path.name for path in (ROOT / "integrations").iterdir() if (path / "connector.py").exists()}
    wrong = []
    for path in sources():
        name = name_of(path)
        own = name.split("/")[1] if name.startswith("integrations/") and name.count("/") > 1 else ""
        for other in imported(path):
            parts = other.split(".")
            named = parts[0] == "integrations" and len(parts) > 2 and parts[1] in kinds and parts[2] == "connector"
            if named and own not in {parts[1], "demo"}:
                wrong.append(f"{name}: {other}")
    assert wrong == []


def test_the_top_level_is_what_the_design_fixes() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split("\n")
    tops = {name.split("/")[0] for name in listed if name}
    assert {top for top in tops if not top.startswith(".")} - TOP_LEVEL - BESIDE == set()


def test_files_and_functions_keep_their_budgets() -> None:
    wrong = []
    for path in [*sources(), *sources(tests=True)]:
        name, limit = name_of(path), TEST_FILE if name_of(path).startswith("tests/") else FILE
        lines = path.read_text().count("\n")
        if lines > limit:
            wrong.append(f"{name}: {lines} lines, {limit} allowed")
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not name.startswith("tests/"):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > FUNCTION:
                    wrong.append(f"{name}:{node.lineno} {node.name}: {size} lines, {FUNCTION} allowed")
    assert wrong == []


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_templates_keep_their_budgets_and_have_no_inline_style_or_script(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= (FRAGMENT if path.name.startswith("_") else PAGE)
    assert " style=" not in text
    assert "hx-on" not in text
    assert " onclick=" not in text


def test_modules_import_at_the_top_and_catch_what_they_name() -> None:
    late, broad, without = [], [], []
    for path in sources():
        name, module = name_of(path), tree(path)
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and name not in LATE_IMPORTS:
                late += [
                    f"{name}:{inner.lineno}"
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.Import | ast.ImportFrom)
                ]
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or getattr(node.type, "id", "") in {"Exception", "BaseException"}
            ):
                broad.append(f"{name}:{node.lineno}")
        code = [node for node in module.body if not isinstance(node, ast.Expr)]  # a docstring alone needs nothing
        if code and "from __future__ import annotations" not in path.read_text():
            without.append(name)
    assert sorted(set(late)) == []
    assert len(broad) <= BROAD, broad
    assert without == []


def test_nothing_moves_a_status_but_advance() -> None:
    wrong = []
    for path in sources():
        if name_of(path) == "app/core/lifecycle.py":
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Assign):
                wrong += [
                    f"{name_of(path)}:{node.lineno}"
                    for target in node.targets
                    if isinstance(target, ast.Attribute)
                    and target.attr == "status"
                    and name_of(path).split("/")[0] != "integrations"
                ]
    assert [place for place in wrong if "step" not in place] == []
