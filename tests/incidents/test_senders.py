"""Standard clients against a live server: OpenLineage's own client, and our command for dbt's artifacts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import error_message_run, ownership_dataset, parent_run, schema_dataset
from openlineage.client.transport.http import HttpConfig, HttpTransport

from incidents import collect
from incidents.models import Asset, AssetEdge, Event, Incident
from incidents.models import Run as KeptRun
from integrations import connections
from tests.factories import connection

pytestmark = pytest.mark.django_db(transaction=True)
RUN_ID = "0196f6c1-fc07-7daf-8e4f-55d9a3f3ac9c"


@pytest.fixture(autouse=True)
def only_doors() -> Iterator[None]:
    with override_settings(ROOT_URLCONF="incidents.doors"):
        yield


def test_the_openlineage_client_is_understood(live_server: Any) -> None:
    door = connection(
        "airflow", "openlineage", namespace="jobs://af", aliases={"postgres://crm:5432": "postgres://crm"}
    )
    auth = {"type": "api_key", "apiKey": connections.rotate_key(door)}
    config = {"type": "http", "url": live_server.url, "auth": auth, "compression": "gzip"}
    client = OpenLineageClient(transport=HttpTransport(HttpConfig.from_dict(config)))
    owners = [ownership_dataset.Owner("Mai Tran <mai@example.com>")]
    facets = {
        "schema": schema_dataset.SchemaDatasetFacet([schema_dataset.SchemaDatasetFacetFields("deal_id", "long")]),
        "ownership": ownership_dataset.OwnershipDatasetFacet(owners),
    }
    error = error_message_run.ErrorMessageRunFacet("permission denied for table deals", "python", "Traceback ...")
    outer = parent_run.ParentRunFacet(parent_run.Run(RUN_ID), parent_run.Job("af", "nightly"))
    for state, at, told in (
        (RunState.START, "2026-05-22T02:30:00.123Z", {"parent": outer}),
        (RunState.FAIL, "2026-05-22T02:31:00+00:00", {"errorMessage": error}),
    ):
        event = RunEvent(
            eventTime=at,
            eventType=state,
            producer="https://example.com",
            run=Run(RUN_ID, facets=dict(told)),
            job=Job("jobs://af", "load_deals"),
            inputs=[InputDataset("postgres://reader:secret@crm:5432", "Public.Deals")],
            outputs=[OutputDataset("iceberg://lake", "raw.deals", facets=facets)],
        )
        client.emit(event)
    assert collect.drain() == 2
    incident, asset = Incident.objects.get(), Asset.objects.get(name="raw.deals")
    assert (incident.root_asset, incident.title) == (asset, "load_deals fails: permission denied for table deals")
    assert asset.owner["email"] == "mai@example.com" and asset.columns == [{"name": "deal_id", "type": "long"}]
    assert KeptRun.objects.get().parameters["parent_job"] == "nightly"
    edges = set(AssetEdge.objects.values_list("upstream__namespace", "upstream__name"))
    assert edges == {("postgres://crm", "public.deals"), ("jobs://af", "load_deals")}


def test_push_uploads_a_target_folder_and_says_what_happened(live_server: Any, tmp_path: Path) -> None:
    key = connections.rotate_key(connection("shop", "dbt", namespace="dbt://shop"))
    results = {"metadata": {"invocation_id": "i1"}, "results": []}
    (tmp_path / "run_results.json").write_text(json.dumps(results))
    said = StringIO()
    options = {"url": live_server.url, "key": key, "target_dir": tmp_path}
    call_command("push", **options, commit="abc", stdout=said)
    assert "run_results: " in said.getvalue() and "Kept as event" in said.getvalue()
    assert Event.objects.get().payload["commit"] == "abc"
    call_command("push", **options, commit="abc", stdout=said)
    assert "It was there already." in said.getvalue()


def test_push_says_why_it_was_refused(live_server: Any, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(CommandError, match="401: The key is missing or wrong"):
        call_command("push", tmp_path / "manifest.json", url=live_server.url, key="cs_wrong")
    with pytest.raises(CommandError, match="Nothing to send"):
        call_command("push", url=live_server.url, key="x")
    with pytest.raises(CommandError, match="cannot be reached"):
        call_command("push", tmp_path / "manifest.json", url="http://127.0.0.1:9", key="x")
