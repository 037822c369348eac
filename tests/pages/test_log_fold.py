"""A folded trace opens without script, and what it says stays text."""

from __future__ import annotations

from typing import Any

from incidents.excerpt import excerpt
from incidents.models import Evidence, Incident
from tests.incidents.test_excerpt import python


def test_frames_are_one_line_that_opens(console: Any, yen: Incident) -> None:
    lines = python(34, "ValueError: <b>bad</b>").replace("step_5()", "</ol><script>x</script>").splitlines()
    body = {"run": "run-1", "total": len(lines), "lines": excerpt(lines, [])}
    yen.evidence.all().delete()
    Evidence.objects.create(
        incident=yen, label="E1", kind="log", title="Log", body=body, source="log", trust="untrusted"
    )
    page = console.get(f"/incidents/{yen.number}/").content.decode()
    log = page[page.index('class="log"') :]
    assert '<details><summary class="disclose">… 33 frames</summary><ol>' in log
    assert "&lt;/ol&gt;&lt;script&gt;x&lt;/script&gt;" in log and "<script>x" not in log
    assert '<li class="is-hit">' in log and "&lt;b&gt;bad&lt;/b&gt;" in log
    assert f"From {len(lines)} lines; gaps in the numbers were left out." in log
