from __future__ import annotations

from contextlib import suppress
from time import monotonic

import pytest

from incidents.agent.draft import NoDraft, draft

FILES = {
    "models/orders.sql": "select order_id, amont\nfrom {{ ref('raw_orders') }}\nwhere 1 = 1\n",
    "jobs/load.py": "def load():\n    return 1\n",
    "dbt_project.yml": "name: shop\nmodels:\n  shop:\n    materialized: table\n",
}
GOOD = """--- a/models/orders.sql
+++ b/models/orders.sql
@@ -1,3 +1,3 @@
-select order_id, amont
+select order_id, amount
 from {{ ref('raw_orders') }}
 where 1 = 1
"""


def one(path: str, *lines: str) -> str:
    return f"--- a/{path}\n+++ b/{path}\n@@ -1,{len(lines)} +1,{len(lines)} @@\n" + "".join(
        f"{line}\n" for line in lines
    )


def test_a_small_diff_that_applies_and_parses_is_a_draft() -> None:
    made = draft(GOOD, FILES.get)
    assert made.paths == ("models/orders.sql",)
    assert "+select order_id, amount" in made.diff and made.diff.startswith("diff --git a/models/orders.sql")


def test_words_around_it_and_wrong_counts_do_not_get_into_it() -> None:
    made = draft("Here is the fix:\n" + GOOD.replace("@@ -1,3 +1,3 @@", "@@ -1,9 +1,9 @@"), FILES.get)
    assert "Here is" not in made.diff


@pytest.mark.parametrize(
    ("diff", "says"),
    [
        ("", "empty"),
        ("rm -rf /", "unified diff"),
        (GOOD.replace("amont\n", "amuont\n", 1), "does not apply"),
        (GOOD.replace("models/orders.sql", "models/gone.sql"), "no file"),
        (GOOD.replace("models/orders.sql", "../../etc/x.sql"), "no file|within"),
        (GOOD.replace("models/orders.sql", ".github/x.yml"), "within"),
        (GOOD.replace("models/orders.sql", "/etc/x.sql"), "within"),
        (GOOD.replace("models/orders.sql", "run.sh"), "still parses"),
        (GOOD.replace("+++ b/models/orders.sql", "+++ b/models/other.sql"), "own names"),
        ("new file mode 120000\n" + GOOD, "nothing else"),
        ("rename from a\n" + GOOD, "nothing else"),
        (GOOD.replace("+select order_id, amount", "+select order_id, amont"), "changes nothing"),
        (GOOD.replace("+select order_id, amount", "+select order_id, (amount"), "not parse"),
        (GOOD.replace("+select order_id, amount", "+select {{ order_id, amount"), "not parse"),
        (one("jobs/load.py", "-def load():", "+def load(:", "     return 1"), "not parse"),
        (one("dbt_project.yml", "-name: shop", "+name: [shop", " models:"), "not parse"),
        (
            one("jobs/load.py", "-def load():", *[f"+x{n} = {n}" for n in range(61)], "+def load():", "     return 1"),
            "lines",
        ),
        ("x" * 60_001, "too large"),
    ],
)
def test_anything_else_is_no_draft(diff: str, says: str) -> None:
    with pytest.raises(NoDraft, match=says):
        draft(diff, FILES.get)


@pytest.mark.parametrize("line", ["x: !!int ''", "x: !!bool maybe", "x: !!timestamp soon", f"x: {'[' * 1500}"])
def test_whatever_a_parser_raises_it_is_no_draft(line: str) -> None:
    diff = "--- a/dbt_project.yml\n+++ b/dbt_project.yml\n@@ -4 +4,2 @@\n     materialized: table\n+" + line + "\n"
    with pytest.raises(NoDraft, match="would not parse"):
        draft(diff, FILES.get)


def test_python_that_is_too_deep_for_its_parser_is_no_draft() -> None:
    diff = "--- a/jobs/load.py\n+++ b/jobs/load.py\n@@ -1,2 +1,32 @@\n def load():\n-    return 1\n+    return \\\n"
    deep = "".join(f"+{'not ' * 480}\\\n" for _ in range(30))
    with pytest.raises(NoDraft, match="would not parse"):
        draft(f"{diff}{deep}+1\n", FILES.get)
    with pytest.raises(NoDraft, match="which no person reads"):
        draft(f"{diff}+{'-' * 5000}1\n", FILES.get)


def test_a_template_that_is_never_closed_takes_no_time() -> None:
    lines = [f"{{% raw %}}{'{{' * 900}{{% endraw %}}" for _ in range(30)]
    diff = "--- a/models/orders.sql\n+++ b/models/orders.sql\n@@ -3 +3,31 @@\n where 1 = 1\n"
    began = monotonic()
    with suppress(NoDraft):
        draft(diff + "".join(f"+{line}\n" for line in lines), FILES.get)
    assert monotonic() - began < 3.0
