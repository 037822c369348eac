"""Every kind of connection there is: the only place that names concrete connectors.

To add a connector: one folder beside this file and one entry here. The settings form, the health check, the docs row
and the contract tests follow from the entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from integrations.errors import Unsupported
from integrations.fields import Field as Field
from integrations.llm.fields import EMBEDDING_FIELDS, MODEL_FIELDS


@dataclass(frozen=True)
class Entry:
    """What the console knows about a kind of connection without importing it."""

    kind: str
    label: str
    # Id of a symbol of the icon sheet.
    icon: str
    sentence: str
    # Where its class is: `package.module.Class`.
    path: str
    # Names of the ports of `integrations.ports` that it implements, `Testable` aside, which all do.
    ports: tuple[str, ...]
    fields: tuple[Field, ...] = ()
    # Whether the columns that its `schema` returns have the comments that people wrote about them.
    has_comments: bool = False
    # Whether a run of it can be taken back at all.
    takes_back: bool = True

    @property
    def config_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.kind not in {"secret", "inbound"})

    @property
    def secret_names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields if field.kind == "secret")

    @property
    def inbound_names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields if field.kind == "inbound")


def _namespace(example: str) -> Field:
    return Field("namespace", "Namespace", f"What its assets are called by, for example {example}.")


_GIT = Field("git", "Repository", "The git connection that holds its code.", kind="connection")
_ENVIRONMENT = Field(
    "environment", "Environment", "Variables that its processes are given. No secrets.", "json", False, "{}"
)

_ENTRIES = (
    Entry(
        "dbt",
        "dbt",
        "i-dbt",
        "Runs a dbt project, and reads what its runs leave behind.",
        "integrations.dbt.connector.Connector",
        ("EventSource", "PipelineRunner"),
        (
            _namespace("dbt://shop"),
            Field("git", "Repository", "The git connection that holds the project.", "connection", False),
            Field(
                "project", "Project folder", "Where dbt_project.yml is in the repository.", required=False, default="."
            ),
            Field("engine", "Warehouse", "The connection it builds into, when there is one.", "connection", False),
            Field(
                "sources", "Sources", "dbt source name to the connection that holds its tables.", "json", False, "{}"
            ),
            Field("target", "Target", "The target of production runs.", required=False, default="prod"),
            Field("staging_target", "Staging target", "The target of rehearsals.", required=False, default="staging"),
            Field(
                "parameters", "Parameters", "What a re-run may change: name to kind, now and max.", "json", False, "{}"
            ),
            _ENVIRONMENT,
            Field("environment_file", "Scheduler's settings", "File of NAME=value lines, if any.", "path", False),
            Field("secrets", "Secrets", "Variable to the name of a vault entry.", "json", False, "{}"),
        ),
    ),
    Entry(
        "openlineage",
        "OpenLineage",
        "i-lineage",
        "Takes run events from any tool that speaks OpenLineage.",
        "integrations.openlineage.connector.Connector",
        ("EventSource",),
        (_namespace("jobs://airflow"),),
    ),
    Entry(
        "webhook",
        "Webhook",
        "i-webhook",
        "Takes events in our own plain shape, from anything that can post JSON.",
        "integrations.webhook.connector.Connector",
        ("EventSource",),
        (_namespace("jobs://own"),),
    ),
    Entry(
        "iceberg",
        "Apache Iceberg",
        "i-iceberg",
        "Reads tables and their history, and stages data fixes on zero-copy branches.",
        "integrations.iceberg.connector.Connector",
        ("Inspector", "BranchProvider"),
        (
            _namespace("iceberg://lake"),
            Field("catalog", "Catalog", "Properties of the catalog: type, uri, warehouse.", "json"),
            Field("keys", "Keys", "Table to its key columns, where they cannot be inferred.", "json", False, "{}"),
            Field("catalog_uri", "Catalog address", "Instead of uri above, when it holds a password.", "secret", False),
        ),
        has_comments=True,
    ),
    Entry(
        "duckdb",
        "DuckDB",
        "i-duckdb",
        "Reads a warehouse file from a short-lived copy, and can put the whole file back.",
        "integrations.duckdb.connector.Connector",
        ("Inspector",),
        (
            _namespace("duckdb://warehouse"),
            Field("path", "Warehouse file", "On this machine.", "path"),
            Field("keys", "Keys", "Table to its key columns, where they cannot be inferred.", "json", False, "{}"),
        ),
    ),
    Entry(
        "postgres",
        "PostgreSQL",
        "i-postgres",
        "Reads schemas, owners, grants and profiles of a database.",
        "integrations.postgres.connector.Connector",
        ("Inspector",),
        (
            _namespace("postgres://crm"),
            Field("keys", "Keys", "Table to its key columns, where they cannot be inferred.", "json", False, "{}"),
            Field("dsn", "Address", "postgresql://user:password@host/database", "secret"),
        ),
        has_comments=True,
    ),
    Entry(
        "git",
        "git",
        "i-git",
        "Reads what changed in a repository, and stages code fixes on branches.",
        "integrations.git.connector.Connector",
        ("Inspector", "BranchProvider"),
        (
            _namespace("git://pipeline"),
            Field("path", "Repository", "A folder on this machine, bare or not.", "path"),
            Field("branch", "Branch", "The one that production runs.", required=False, default="main"),
            Field("knowledge", "Folder of notes", "Synced with Knowledge both ways; empty: not.", required=False),
            Field("owners", "Owners of notes", "User names that a file may name as its owner.", required=False),
        ),
    ),
    Entry(
        "scripts",
        "Scripts",
        "i-scripts",
        "Runs the jobs that a repository lists in its pipeline.toml.",
        "integrations.scripts.connector.Connector",
        ("PipelineRunner",),
        (
            _namespace("jobs://ingest"),
            _GIT,
            Field("manifest", "Manifest", "The list of jobs.", required=False, default="pipeline.toml"),
            Field("lake", "Lake", "The Iceberg connection that its jobs write to.", "connection", False),
            Field(
                "parameters", "Parameters", "What a re-run may change: name to kind, now and max.", "json", False, "{}"
            ),
            _ENVIRONMENT,
            Field("secrets", "Secrets", "Variable to the name of a vault entry.", "json", False, "{}"),
        ),
    ),
    Entry(
        "kubernetes",
        "Kubernetes",
        "i-kubernetes",
        "Reads the state and the log of a job's pods, and runs a job again.",
        "integrations.kubernetes.connector.Connector",
        ("Workloads", "PipelineRunner"),
        (
            _namespace("k8s://cluster"),
            Field("url", "Address", "Of the cluster's API, for example https://cluster.example:6443."),
            Field("within", "Namespace there", "In which its jobs run.", required=False, default="default"),
            Field("ca", "Certificates", "File of the authorities to trust, if not the machine's.", "path", False),
            Field("key", "Key", "Sent as a bearer token, or in the header that a note names.", "secret"),
        ),
        takes_back=False,
    ),
    Entry(
        "model",
        "Language model",
        "i-knowledge",
        "Refines diagnoses where one is configured; it can read and not touch.",
        "integrations.llm.connector.Connector",
        (),
        MODEL_FIELDS,
    ),
    Entry(
        "embedding",
        "Model for vectors",
        "i-knowledge",
        "Finds notes that mean the same in other words, where the database has pgvector.",
        "integrations.llm.vectors.Connector",
        (),
        EMBEDDING_FIELDS,
    ),
    Entry(
        "email",
        "E-mail",
        "i-mail",
        "Tells people by e-mail, with a link.",
        "integrations.email.connector.Connector",
        ("Messenger",),
    ),
    Entry(
        "slack",
        "Slack",
        "i-slack",
        "One live message for each incident in a channel, to be read, asked about and signed there.",
        "integrations.slack.connector.Connector",
        ("Messenger", "LiveMessenger"),
        (
            Field("token", "Bot token", "xoxb-…, from OAuth & Permissions of the app's page.", "secret"),
            Field("channel", "Channel", "Its id, from the end of its link: C0123456789."),
            Field("channels", "Channels by owner", 'Where an owner reads: {"Finance": "C0987"}.', "json", False, "{}"),
            Field(
                "mode",
                "Way in",
                "http: Slack calls us; socket: we call Slack.",
                "choice",
                default="http",
                choices=("http", "socket"),
            ),
            Field("signing_secret", "Signing secret", "From Basic Information; for http.", "inbound", False),
            Field("app_token", "App-level token", "xapp-…, with connections:write; for socket.", "secret", False),
            Field("api_url", "Address", "Of Slack's API, when it is another than slack.com's.", required=False),
        ),
    ),
)

CONNECTORS: dict[str, Entry] = {entry.kind: entry for entry in _ENTRIES}


def entries() -> tuple[Entry, ...]:
    """Every kind, in the order of the settings page."""
    return _ENTRIES


def entry(kind: str) -> Entry:
    """Raises `Unsupported`, naming the known kinds, for any other."""
    try:
        return CONNECTORS[kind]
    except KeyError:
        known = ", ".join(sorted(CONNECTORS))
        raise Unsupported(f"There is no connector of kind {kind!r}. Known kinds: {known}.") from None


def load(kind: str) -> type[Any]:
    """The connector's class, imported on first use because engines are slow to import."""
    module, _, name = entry(kind).path.rpartition(".")
    loaded: type[Any] = getattr(import_module(module), name)
    return loaded
