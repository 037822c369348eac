"""dbt: runs a project in a process of its own, from a commit, and reads what runs leave behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integrations.dbt.naming import Names, slim_manifest
from integrations.dbt.parse import parse, run_id
from integrations.dbt.project import (
    WarehouseFile,
    artifacts_in,
    command,
    selection,
    targets,
    variable_of,
    write_profile,
)
from integrations.dbt.settings_file import as_set
from integrations.effects import Receipt, RunOutcome, RunRequest
from integrations.errors import IntegrationError, Refused, Unsupported
from integrations.ports import Wiring
from integrations.scripts.process import Finished, configured, environment, run
from integrations.scripts.runs import RunFolder, sweep
from integrations.values import Alert, Health, Json, RunReport


class Connector:
    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.namespace = str(wiring.config["namespace"])

    def test(self) -> Health:
        if not self.wiring.config.get("git"):
            return Health(
                True, "Ready to read what runs leave behind.", "Name a repository to rehearse and re-run here as well."
            )
        try:
            self._repository().read_file(self._in_project("dbt_project.yml"))
        except IntegrationError as error:
            return Health(False, f"Could not read the project: {error}", "Check the repository and the project folder.")
        return Health(True, "Read the project in its repository.")

    # --- reading ---------------------------------------------------------------------------------------------

    def parse(self, kind: str, payload: Json) -> tuple[RunReport | Alert, ...]:
        return (parse(payload, self.names),)

    def fingerprint(self, kind: str, payload: Json) -> str:
        return f"{kind}:{run_id(payload)}"

    def slim(self, kind: str, payload: Json) -> Json:
        manifest = payload.get("manifest")
        return payload | {"manifest": slim_manifest(manifest)} if isinstance(manifest, dict) else payload

    @property
    def names(self) -> Names:
        config = self.wiring.config
        engine = self.wiring.peer(str(config["engine"])).namespace if config.get("engine") else self.namespace
        sources = {
            str(n): str(self.wiring.peer(str(c)).namespace) for n, c in dict(config.get("sources") or {}).items()
        }
        folder = self._in_project("").strip("/")
        return Names(self.namespace, str(engine), sources, folder, str(config.get("schema") or "main"))

    # --- running ---------------------------------------------------------------------------------------------

    def parameters(self) -> Mapping[str, Json]:
        """As configured; what the scheduler's own settings file says of a variable is what it is `now`."""
        config = self.wiring.config
        return as_set(config.get("parameters") or {}, str(config.get("environment_file") or ""))

    def run(self, request: RunRequest) -> RunOutcome:
        """Build the selected assets and what is downstream of them; everything when none is selected.

        Staging builds into a copy of the warehouse file, or into the staging target where the engine is no file.
        Production keeps the file first, so that the run can be taken back.
        """
        folder = RunFolder(self.wiring.workspace, request.key)
        with folder.claimed() as claim:
            if done := folder.outcome():
                return done
            sweep(self.wiring.workspace)
            commit = self._repository().export(request.commit, folder.fresh("code"))
            project = folder.path / "code" / self._in_project("")
            file, target = self._warehouse(request, folder, project)
            kept = folder.path / "kept" / (self._file.path.name if self._file else "")
            before = self._file.backup(kept) if self._file and request.environment == "production" else ""
            started = datetime.now(UTC)
            done_run = self._build(request, folder, project, file, target, claim)
            payload = self._payload(request, folder, commit, started, done_run)
            report = parse(payload, self.names)
            receipt = self._receipt(request, before, kept) if before else None
            return folder.keep(
                RunOutcome(request.key, report.status == "success", report, self._versions(report, file), receipt)
            )

    def lookup(self, key: str) -> RunOutcome | None:
        return RunFolder(self.wiring.workspace, key).outcome()

    def revert(self, receipt: Receipt, *, key: str) -> Receipt:
        """The warehouse file gets exactly the bytes of before the run."""
        if self._file is None or "backup" not in receipt.detail:
            raise Unsupported("This run kept nothing that could be put back.")
        self._file.restore(receipt)
        return Receipt(self.wiring.name, "revert", key, receipt.after, receipt.before)

    # --- private ---------------------------------------------------------------------------------------------

    @property
    def _file(self) -> WarehouseFile | None:
        """The engine, where it is one file."""
        engine = self.wiring.peer(str(self.wiring.config["engine"])) if self.wiring.config.get("engine") else None
        return engine if isinstance(engine, WarehouseFile) else None

    def _repository(self) -> Any:
        if not self.wiring.config.get("git"):
            raise Unsupported("No repository is configured for this project, so it cannot be run from here.")
        return self.wiring.peer(str(self.wiring.config["git"]))

    def _in_project(self, name: str) -> str:
        folder = str(self.wiring.config.get("project") or ".").strip("/")
        return name if folder == "." else f"{folder}/{name}"

    def _warehouse(self, request: RunRequest, folder: RunFolder, project: Path) -> tuple[Path | None, str]:
        """The file to build into, None where the profile says where, and the target."""
        config = self.wiring.config
        if request.environment == "production":
            return (self._file.path if self._file else None), str(config.get("target") or "prod")
        if self._file:
            copy = self._file.copy_to(folder.fresh("staging") / self._file.path.name)
            return copy, str(config.get("target") or "prod")
        target = str(config.get("staging_target") or "staging")
        if target not in targets(project):
            raise Unsupported(self._by_hand(request, target))
        return None, target

    def _by_hand(self, request: RunRequest, target: str) -> str:
        select = " ".join(selection(request.select, self._known_manifest(), self.names))
        chosen = f" --select {select}" if select else ""
        return (
            f"The project has no target {target!r} to rehearse on. By hand: "
            f"git checkout {request.commit or 'the fix branch'} && "
            f"cd {self._in_project('') or '.'} && dbt build --target <a target of your own>{chosen}"
        )

    def _build(
        self, request: RunRequest, folder: RunFolder, project: Path, file: Path | None, target: str, claim: int
    ) -> Finished:
        select = selection(request.select, self._known_manifest(), self.names)
        profiles = write_profile(project, target, file, folder.fresh("profiles"))
        env = self._environment(request, folder, file)
        for chosen in (select, []):
            artifacts = folder.fresh("target")
            words = command(project, profiles, artifacts, chosen)
            done = run(words, folder=project, env=env, log=folder.log, timeout_s=request.timeout_s, keep=(claim,))
            empty = done.code == 0 and not (artifacts_in(artifacts).get("run_results") or {}).get("results")
            if not (empty and chosen):
                return done
        return done

    def _environment(self, request: RunRequest, folder: RunFolder, file: Path | None) -> dict[str, str]:
        known, given = self.parameters(), dict[str, str]()
        for name, value in request.parameters.items():
            if name not in known:
                raise Refused(f"{name!r} is no parameter of this project; it has {', '.join(known) or 'none'}.")
            given[str(known[name].get("env") or name.upper())] = value
        usual = {str(p.get("env") or n.upper()): str(p["now"]) for n, p in known.items() if "now" in p}
        pins = {variable_of(uri): version for uri, version in request.pins.items()}
        path = {"DUCKDB_PATH": str(file)} if file else {}
        ours = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
        return environment(
            folder.path, usual, configured(self.wiring.config, self.wiring.secret), given, pins, path, ours
        )

    def _payload(self, request: RunRequest, folder: RunFolder, commit: str, started: datetime, done: Finished) -> Json:
        artifacts = artifacts_in(folder.path / "target")
        if "manifest" in artifacts:
            artifacts["manifest"] = slim_manifest(artifacts["manifest"])
        if "manifest" in artifacts and request.environment == "production":
            self._keep_manifest(artifacts["manifest"])
        known = {"manifest": self._known_manifest() or {}}
        said = folder.said() + (
            f"\nEnded after {done.seconds:.0f} s: it took longer than it may." if done.timed_out else ""
        )
        rest: Json = {"environment": request.environment, "commit": commit, "run_id": request.key, "log": said}
        rest |= {
            "started_at": started,
            "finished_at": datetime.now(UTC),
            "return_code": -1 if done.timed_out else done.code,
        }
        return known | artifacts | rest | {"parameters": dict(request.parameters)}

    def _receipt(self, request: RunRequest, before: str, kept: Path) -> Receipt | None:
        if self._file is None:
            return None
        uri = self._file.uri
        return Receipt(
            self.wiring.name, "run", request.key, {uri: before}, {uri: self._file.digest()}, {"backup": str(kept)}
        )

    def _versions(self, report: RunReport, file: Path | None) -> dict[str, str]:
        """A rehearsal's results are read from its own copy; production's from production."""
        if file is None or report.environment == "production":
            return {}
        return {asset.uri: str(file) for asset in report.outputs}

    @property
    def _manifest_path(self) -> Path:
        return self.wiring.workspace / "manifest.json"

    def _known_manifest(self) -> Json | None:
        """The latest one that a production run of ours wrote."""
        try:
            found: Json = json.loads(self._manifest_path.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return found

    def _keep_manifest(self, manifest: Json) -> None:
        new = self._manifest_path.with_suffix(".new")
        new.write_text(json.dumps(manifest))
        new.replace(self._manifest_path)
