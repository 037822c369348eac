"""OpenLineage run events, spec 2-0-2, as run reports. Facets are partial by design: whoever keeps them merges them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from app.core.canonical import sha256
from integrations.openlineage.names import Names
from integrations.untrusted import comment, mapping, moment, number, rows, text
from integrations.values import LOG_LIMIT, AssetFact, AssetRef, Column, Json, NodeResult, RunReport

STATUS = {"COMPLETE": "success", "FAIL": "failed", "ABORT": "aborted"}  # every other type leaves the run running
TEST_STATUS = {"pass": "success", "fail": "failed", "error": "failed", "warn": "warned"}
SQL_CHILD = re.compile(r"\.sql\.\d+$")  # dbt-ol sends one job per statement; they say nothing that the model does not


def parse(payload: Json, config: Mapping[str, Any]) -> tuple[RunReport, ...]:
    """One report, or none for a dataset event, a job event and a statement of dbt-ol."""
    run, job = mapping(payload.get("run")), mapping(payload.get("job"))
    run_id, name = text(run.get("runId"), 300), text(job.get("name"), 300)
    if not run_id or not name or SQL_CHILD.search(name):
        return ()
    names = Names(config)
    facets, job_facets = mapping(run.get("facets")), mapping(job.get("facets"))
    inputs, outputs = _datasets(payload.get("inputs")), _datasets(payload.get("outputs"))
    results = (*_assertions(inputs, names), *_tests(facets, [*outputs, *inputs], names))
    kind, at = text(payload.get("eventType")).upper(), moment(payload.get("eventTime"))
    error = mapping(facets.get("errorMessage"))
    status = STATUS.get(kind, "running")
    if status == "failed" and not error and results and all(result.status != "failed" for result in results):
        status = "aborted"  # because dbt-ol ends tests that never ran with FAIL
    place = mapping(job_facets.get("sourceCodeLocation"))
    job_ref = names.job(job)
    return (
        RunReport(
            external_id=run_id,
            job=job_ref,
            status=status,
            environment=names.environment(job, [*inputs, *outputs]),
            started_at=at if kind == "START" else None,
            finished_at=at if kind in STATUS else None,
            error=text(error.get("message")),
            log=text(error.get("stackTrace"), LOG_LIMIT),
            inputs=tuple(dict.fromkeys(names.dataset(data) for data in inputs)),
            outputs=tuple(dict.fromkeys(names.dataset(data) for data in outputs)),
            results=results,
            facts=(_job_fact(job_ref, job_facets), *(_fact(data, names) for data in [*inputs, *outputs])),
            commit=text(place.get("version"), 64),
            parameters=_parameters(facets),
        ),
    )


def fingerprint(payload: Json) -> str:
    """Hex sha256 of run, type, time and job; of everything for what is not a run event."""
    run, job = mapping(payload.get("run")), mapping(payload.get("job"))
    if not run.get("runId"):
        return sha256(["openlineage", payload])
    key = [run["runId"], payload.get("eventType"), payload.get("eventTime"), job.get("namespace"), job.get("name")]
    return sha256(["openlineage", *key])


def _datasets(value: Any) -> list[Json]:
    return [data for data in map(mapping, rows(value)) if data.get("name")]


def _parameters(facets: Json) -> Json:
    parent, nominal = mapping(facets.get("parent")), mapping(facets.get("nominalTime"))
    dag_run = mapping(mapping(facets.get("airflow")).get("dagRun"))  # the provider for Airflow 3 tells versions there
    found = {
        "parent_run": text(mapping(parent.get("run")).get("runId"), 300),
        "parent_job": text(mapping(parent.get("job")).get("name"), 300),
        "nominal_start": _iso(moment(nominal.get("nominalStartTime"))),
        "dag_version": _version(dag_run.get("dag_version_number")),
        "dag_bundle": text(dag_run.get("dag_bundle_name"), 100),
        "dag_bundle_version": text(dag_run.get("dag_bundle_version"), 100),
    }
    return {key: value for key, value in found.items() if value}


def _version(value: Any) -> str:
    return str(value) if isinstance(value, int) else text(value, 20)


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def _assertions(inputs: list[Json], names: Names) -> Iterable[NodeResult]:
    """Assertions stand under `facets` in older clients and under `inputFacets` in newer ones."""
    for data in inputs:
        for home in ("facets", "inputFacets"):
            found = mapping(mapping(data.get(home)).get("dataQualityAssertions"))
            for assertion in map(mapping, rows(found.get("assertions"))):
                yield _assertion(names.dataset(data), assertion)


def _assertion(asset: AssetRef, assertion: Json) -> NodeResult:
    what, column = text(assertion.get("assertion"), 200), text(assertion.get("column"), 100)
    actual, expected = text(assertion.get("actual"), 200), text(assertion.get("expected"), 200)
    if assertion.get("success") is True:
        status = "success"
    elif "actual" in assertion and assertion["actual"] is None:
        status = "skipped"  # because dbt-ol reports a test that never ran as failed, without an actual value
    else:
        status = "warned" if text(assertion.get("severity")).lower().startswith("warn") else "failed"
    node = text(assertion.get("name"), 300) or ".".join(part for part in (what, column) if part)
    found = f": found {actual}, expected {expected or 'something else'}" if actual else ""
    return NodeResult(asset, status, node, "test", f"{what} {column}".strip() + found, number(assertion.get("actual")))


def _tests(facets: Json, datasets: list[Json], names: Names) -> Iterable[NodeResult]:
    if not datasets:
        return
    asset = names.dataset(datasets[0])
    for test in map(mapping, rows(mapping(facets.get("test")).get("tests"))):
        status = TEST_STATUS.get(text(test.get("status")).lower(), "skipped")
        if status == "failed" and text(test.get("severity")).lower().startswith("warn"):
            status = "warned"
        message = text(test.get("description")) or text(test.get("content"))
        yield NodeResult(asset, status, text(test.get("name"), 300), "test", message, number(test.get("actual")))


def _fact(data: Json, names: Names) -> AssetFact:
    facets = mapping(data.get("facets"))
    fields = map(mapping, rows(mapping(facets.get("schema")).get("fields")))
    columns = [
        Column(
            text(field.get("name"), 300),
            text(field.get("type"), 100),
            comment=comment(field.get("description")),
        )
        for field in fields
    ]
    return AssetFact(
        names.dataset(data),
        owner=_owner(facets),
        description=text(mapping(facets.get("documentation")).get("description")),
        columns=tuple(column for column in columns if column.name),
        meta={"sent_as": f"{names.sent_namespace(data)}/{text(data.get('name'), 300)}"},
    )


def _job_fact(job: AssetRef, facets: Json) -> AssetFact:
    place = mapping(facets.get("sourceCodeLocation"))
    description = text(mapping(facets.get("documentation")).get("description"))
    return AssetFact(job, "job", _owner(facets), description, path=text(place.get("path"), 500))


def _owner(facets: Json) -> Json:
    """The first owner: `Mai Tran <mai@example.com>`, an address, or a name."""
    for owner in map(mapping, rows(mapping(facets.get("ownership")).get("owners"))):
        name, email = parseaddr(text(owner.get("name"), 200))
        found = {"name": name or email.split("@")[0], "email": email if "@" in email else ""}
        if any(found.values()):
            return {key: value for key, value in found.items() if value}
    return {}
