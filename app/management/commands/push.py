"""`manage.py push`: hand what a dbt run left behind to a running Countersign."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError

PARTS = {"run_results.json": "run_results", "manifest.json": "manifest", "sources.json": "sources", "dbt.log": "log"}
FIELDS = ("environment", "commit", "run_id", "started_at", "finished_at", "return_code")
TIMEOUT_S = 60  # a large manifest over a slow line


class Command(BaseCommand):
    help = "Upload run_results.json, manifest.json, sources.json and dbt.log of a dbt run."
    requires_system_checks: list[str] = []  # it needs no database: it runs where dbt runs

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="Artifacts, told apart by their names.")
        parser.add_argument("--target-dir", type=Path, help="Take what is in this folder, usually target/.")
        parser.add_argument("--log", type=Path, help="What dbt printed with --log-format json, under any name.")
        parser.add_argument("--url", required=True, help="Address of Countersign, for example http://127.0.0.1:8000.")
        parser.add_argument("--key", help="Key of the dbt connection; better in COUNTERSIGN_KEY, where ps shows none.")
        for name in FIELDS:
            parser.add_argument(f"--{name.replace('_', '-')}", help=f"{name} of the run.")

    def handle(self, *args: Any, **options: Any) -> None:
        key = options["key"] or os.environ.get("COUNTERSIGN_KEY", "")
        if not key:
            raise CommandError("Give the key of the dbt connection as --key or in COUNTERSIGN_KEY.")
        files = self._found(options)
        fields = {name: options[name] for name in FIELDS if options[name]}
        answer = self._send(f"{options['url'].rstrip('/')}/api/v1/dbt/artifacts", key, files, fields)
        for part, path in files.items():
            self.stdout.write(f"{part}: {path} ({path.stat().st_size:,} bytes)")
        before = " It was there already." if answer.get("duplicate") else ""
        self.stdout.write(f"Kept as event {answer['id']}.{before}")

    def _found(self, options: dict[str, Any]) -> dict[str, Path]:
        folder: Path | None = options["target_dir"]
        places = [folder, folder / "logs", folder.parent / "logs"] if folder else []
        paths = [place / name for name in PARTS for place in places if (place / name).is_file()]
        found = {PARTS[path.name]: path for path in reversed(paths)}
        for path in options["files"]:
            if path.name not in PARTS:
                raise CommandError(f"{path.name} is not one of {', '.join(PARTS)}. Name a log with --log.")
            found[PARTS[path.name]] = path
        if options["log"]:
            found["log"] = options["log"]
        if missing := [str(path) for path in found.values() if not path.is_file()]:
            raise CommandError(f"There is no file {', '.join(missing)}.")
        if not found:
            raise CommandError("Nothing to send: name files, or --target-dir with dbt's target folder.")
        return found

    def _send(self, url: str, key: str, files: dict[str, Path], fields: dict[str, str]) -> dict[str, Any]:
        sent = {part: (path.name, path.read_bytes()) for part, path in files.items()}
        try:
            answer = httpx.post(
                url, files=sent, data=fields, headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT_S
            )
        except httpx.HTTPError as error:
            raise CommandError(f"{url} cannot be reached: {error}. Is Countersign running there?") from None
        try:
            said: dict[str, Any] = answer.json()
        except ValueError:
            raise CommandError(f"{url} answered {answer.status_code}, not as Countersign would. Check --url.") from None
        if answer.is_error:
            raise CommandError(f"Refused with {answer.status_code}: {said.get('message', '')}")
        return said
