"""Opens the lake from outside: `lake_tool` in a process of its own, so that nothing heavy is imported here."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from integrations.demo.lakehouse import Lakehouse

TOOL = Path(__file__).parent / "lake_tool.py"
LIMIT_S = 120


def tool(lakehouse: Lakehouse, verb: str, *arguments: str) -> str:
    """What the tool printed. It reads a copy of the warehouse file. Raises CalledProcessError with its words."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**lakehouse.environment(), "DUCKDB_PATH": str(Path(scratch) / lakehouse.warehouse.name)}
        if verb == "contents":
            for part in lakehouse.home.glob(f"{lakehouse.warehouse.name}*"):
                shutil.copy(part, scratch)
        done = subprocess.run(
            [sys.executable, str(TOOL), verb, *arguments],
            env=environment, capture_output=True, text=True, check=True, timeout=LIMIT_S,
        )  # fmt: skip
    return done.stdout
