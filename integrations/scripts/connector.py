"""Scripts: the jobs of a repository's `pipeline.toml`, each run from a commit and never from a working copy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integrations.effects import Receipt, RunOutcome, RunRequest
from integrations.errors import IntegrationError, Refused, Unsupported
from integrations.ports import Wiring
from integrations.scripts.manifest import Job, Manifest, facts, read_manifest
from integrations.scripts.process import Finished, configured, environment, run
from integrations.scripts.runs import RunFolder, sweep
from integrations.values import AssetFact, AssetRef, Health, Json, NodeResult, RunReport

_OURS = {"PATH", "HOME", "LANG", "RUN_KEY", "LAKE_BRANCH"}  # a parameter must not take the place of these
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")


class Connector:
    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.namespace = str(wiring.config["namespace"])

    def test(self) -> Health:
        try:
            jobs = self._manifest("").jobs
        except IntegrationError as error:
            return Health(
                False, f"Could not read the list of jobs: {error}", "Check the repository and the manifest's name."
            )
        return Health(True, f"Read the list of jobs; it has {len(jobs)}: {', '.join(sorted(jobs))}.")

    def facts(self, commit: str = "") -> tuple[AssetFact, ...]:
        """What the list of jobs teaches about assets and owners."""
        return facts(self._manifest(commit), self.namespace)

    def parameters(self) -> Mapping[str, Json]:
        return dict(self.wiring.config.get("parameters") or {})

    def run(self, request: RunRequest) -> RunOutcome:
        """Jobs in order; after the first failure the rest is skipped. On staging only jobs that obey LAKE_BRANCH."""
        folder = RunFolder(self.wiring.workspace, request.key)
        with folder.claimed() as claim:
            if done := folder.outcome():
                return done
            sweep(self.wiring.workspace)
            code = folder.fresh("code")
            commit = self._repository().export(request.commit, code)
            manifest = self._manifest(commit)
            jobs = self._chosen(manifest, request)
            outputs = tuple(output for job in jobs for output in job.outputs)
            started, before = datetime.now(UTC), self._heads(request, outputs)
            results = self._run_jobs(jobs, request, folder, code, claim)
            report = RunReport(
                request.key,
                AssetRef(self.namespace, jobs[0].name),
                status="success" if all(result.status == "success" for result in results) else "failed",
                environment=request.environment,
                started_at=started,
                finished_at=datetime.now(UTC),
                error=next((result.message for result in results if result.status == "failed"), ""),
                log=folder.said(),
                inputs=tuple(asset for job in jobs for asset in job.inputs),
                outputs=outputs,
                results=tuple(results),
                facts=facts(manifest, self.namespace),
                commit=commit,
                parameters=dict(request.parameters),
            )
            after = self._heads(request, outputs)
            receipt = Receipt(self.wiring.name, "run", request.key, before, after) if before != after else None
            return folder.keep(RunOutcome(request.key, report.status == "success", report, after, receipt))

    def lookup(self, key: str) -> RunOutcome | None:
        return RunFolder(self.wiring.workspace, key).outcome()

    def revert(self, receipt: Receipt, *, key: str) -> Receipt:
        """Tables of the lake go back to what they were before the run; `BaseMoved` when someone wrote after it."""
        known = {uri: version for uri, version in receipt.before.items() if version != receipt.after.get(uri)}
        if not known:
            raise Unsupported("This run left nothing that can be taken back.")
        after = {uri: receipt.after[uri] for uri in known}
        undone: Receipt = self._lake().undo(Receipt(receipt.connection, "run", receipt.key, known, after), key=key)
        return undone

    # --- private ---------------------------------------------------------------------------------------------

    def _run_jobs(
        self, jobs: Sequence[Job], request: RunRequest, folder: RunFolder, code: Path, claim: int
    ) -> list[NodeResult]:
        env, results, failed = self._environment(request, folder), list[NodeResult](), False
        for job in jobs:
            asset = AssetRef(self.namespace, job.name)
            if failed:
                results.append(NodeResult(asset, "skipped", job.name, "job"))
                continue
            done = run(job.command, folder=code, env=env, log=folder.log, timeout_s=request.timeout_s, keep=(claim,))
            failed = done.code != 0
            status, message = ("failed", _last_words(folder.said(), done)) if failed else ("success", "")
            results.append(NodeResult(asset, status, job.name, "job", message, seconds=done.seconds))
        return results

    def _environment(self, request: RunRequest, folder: RunFolder) -> dict[str, str]:
        given = {"RUN_KEY": request.key, "RUN_DATE": datetime.now(UTC).date().isoformat()}
        for name, value in request.parameters.items():
            variable = name.upper()
            if (
                not _PARAMETER.fullmatch(name)
                or variable in _OURS - {"LAKE_BRANCH"}
                or variable.startswith(("LD_", "PYTHON"))
            ):
                raise Refused(f"{name!r} is no parameter of a run.")
            given[variable] = value
        return environment(
            folder.path, self._lake_environment(), configured(self.wiring.config, self.wiring.secret), given
        )

    def _chosen(self, manifest: Manifest, request: RunRequest) -> list[Job]:
        wanted = {asset.name for asset in request.jobs}
        names = [asset.name for asset in request.jobs]
        names += [
            job.name
            for job in manifest.jobs.values()
            if set(job.outputs) & set(request.select) and job.name not in wanted
        ]
        if unknown := [name for name in names if name not in manifest.jobs]:
            raise Refused(f"The list has no job {', '.join(unknown)}; it has {', '.join(manifest.jobs)}.")
        if not names:
            raise Refused("No job was asked for.")
        jobs = [manifest.jobs[name] for name in names]
        if request.environment == "staging":
            _refuse_production_writers(jobs, request)
        return jobs

    def _manifest(self, commit: str) -> Manifest:
        lake = str(self._lake().namespace) if self.wiring.config.get("lake") else self.namespace
        path = str(self.wiring.config.get("manifest") or "pipeline.toml")
        return read_manifest(self._repository().read_file(path, commit), lake)

    def _repository(self) -> Any:
        return self.wiring.peer(str(self.wiring.config["git"]))

    def _lake(self) -> Any:
        name = self.wiring.config.get("lake")
        if not name:
            raise Unsupported("No lake is configured for these jobs, so what they wrote cannot be taken back.")
        return self.wiring.peer(str(name))

    def _lake_environment(self) -> dict[str, str]:
        if not self.wiring.config.get("lake"):
            return {}
        catalog = self._lake().wiring.config.get("catalog", {})
        return {"LAKE_CATALOG_URI": str(catalog.get("uri", "")), "LAKE_WAREHOUSE": str(catalog.get("warehouse", ""))}

    def _heads(self, request: RunRequest, outputs: Sequence[AssetRef]) -> dict[str, str]:
        if request.environment == "staging" or not self.wiring.config.get("lake"):
            return {}
        lake, found = self._lake(), dict[str, str]()
        for output in outputs:
            with suppress(Refused):  # a table that is not there yet has no head
                found |= lake.heads([output])
        return found


def _refuse_production_writers(jobs: Sequence[Job], request: RunRequest) -> None:
    deaf = [job.name for job in jobs if not job.staging]
    if deaf or not {"LAKE_BRANCH", "lake_branch"} & set(request.parameters):
        raise Unsupported(
            f"{', '.join(deaf) or jobs[0].name} would write to production: "
            "a job is rehearsed only where it obeys LAKE_BRANCH, its entry says `staging = true`, "
            "and the run names the branch as parameter lake_branch."
        )


def _last_words(log: str, done: Finished) -> str:
    if done.timed_out:
        return f"Ended after {done.seconds:.0f} s: it took longer than it may."
    lines = [line for line in log.splitlines() if line.strip()]
    return lines[-1].strip()[:2000] if lines else f"It ended with code {done.code} and said nothing."
