"""Files of a commit, for those who compare what is there with what was."""

from __future__ import annotations

from pathlib import Path

import pytest

from integrations.errors import Refused
from integrations.git import tree
from integrations.git.connector import Connector
from tests.contracts.worlds import repository, wiring


def test_more_than_fits_is_refused_instead_of_looking_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path, {"notes/a.md": "short", "notes/b.md": "x" * 500, "notes/c.txt": "y" * 900})
    code = Connector(wiring(tmp_path, namespace="git://code", path=str(folder)))
    assert set(code.files("notes", ".md", code.head())) == {"notes/a.md", "notes/b.md"}
    for limit, value in (("LARGEST", 400), ("TOGETHER", 400), ("MOST", 1)):
        with monkeypatch.context() as patched:
            patched.setattr(tree, limit, value)
            with pytest.raises(Refused, match=r"b\.md is too much"):
                code.files("notes", ".md", code.head())
