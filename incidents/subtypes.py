"""The published list of what can go wrong: each subtype with its class, what usually heals it, and what also may.

The classes (DESIGN.md section 2), by what has to change for the next run to pass:

infrastructure  compute, storage, network set-up, permissions, credentials, a quota that has to be raised
code            a defect or an incompatibility in pipeline code, SQL, configuration or the versions of what it uses
data            input data or its schema is wrong, missing, late, doubled or has drifted
transient       a temporary or third-party fault that a retry resolves, now or later
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FailureClass = Literal["infrastructure", "code", "data", "transient"]


@dataclass(frozen=True)
class Subtype:
    name: str
    failure_class: FailureClass
    # Names of the catalogue's actions, the likeliest to heal first. None of them makes it worse.
    actions: tuple[str, ...]
    means: str

    @property
    def retryable(self) -> bool:
        """Whether the same run, unchanged, can be expected to pass."""
        return self.actions[0] in ("retry", "retry_later", "wait")


def _all(failure_class: FailureClass, *rows: tuple[str, str, str]) -> tuple[Subtype, ...]:
    return tuple(Subtype(name, failure_class, tuple(actions.split()), means) for name, actions, means in rows)


INFRASTRUCTURE = _all(
    "infrastructure",
    ("out_of_memory", "rerun_with_parameters escalate", "The work needs more memory than it is given."),
    ("disk_full", "ask_owner rerun_with_parameters", "There is no room left on a disk or in a quota of storage."),
    ("resource_limit", "rerun_with_parameters ask_owner", "A limit of the engine or the process is reached."),
    ("time_limit", "rerun_with_parameters retry", "The work took longer than it may."),
    ("no_capacity", "retry_later ask_owner", "There are no machines, slots or nodes to run on."),
    ("worker_lost", "retry rerun_with_parameters", "The machine or process that did the work is gone."),
    ("engine_down", "ask_owner retry_later", "A cluster, warehouse or agent that the job needs is not running."),
    ("permission_denied", "ask_owner escalate", "The role that does the work may not do this."),
    ("authentication", "ask_owner escalate", "A password, key or token is wrong, or missing."),
    ("credentials_expired", "ask_owner escalate", "A password, key, token or certificate has run out."),
    ("http_denied", "ask_owner escalate", "A service does not let the job in."),
    ("quota", "ask_owner retry_later", "A quota or a budget has to be raised."),
    ("too_many_connections", "retry_later ask_owner", "The database has no free connection."),
    ("name_resolution", "ask_owner retry_later", "The name of a host cannot be resolved."),
    ("network", "ask_owner retry_later", "The way to a host is closed: firewall, proxy, route or address."),
    ("tls", "ask_owner escalate", "A certificate is not trusted, or the two sides share no protocol."),
    ("missing_resource", "ask_owner escalate", "A bucket, database, secret, image or queue is not there."),
    ("storage_fault", "escalate ask_owner", "A disk, a volume or a file system fails or is read-only."),
)
CODE = _all(
    "code",
    ("syntax", "patch_code rollback", "A program or a query cannot be parsed."),
    ("compile", "patch_code rollback", "A project does not compile."),
    ("name", "patch_code rollback", "A program uses a name that does not exist."),
    ("type", "patch_code rollback", "A program or a query uses a value of a type that does not fit."),
    ("logic", "patch_code rollback", "A program breaks on a case that it does not handle."),
    ("binder", "patch_code rollback", "A query uses a function, column or alias that cannot be resolved."),
    ("missing_ref", "rollback patch_code", "A model refers to one that is not there."),
    ("bad_commit", "rollback patch_code", "A commit broke what held before."),
    ("contract", "patch_code rollback", "A model returns other columns or types than it promises."),
    ("import", "patch_code rollback", "A program needs a module that is not installed."),
    ("dependency", "rollback patch_code", "Versions of what the program uses do not fit each other."),
    ("environment", "patch_code ask_owner", "A setting that the job needs is missing."),
    ("configuration", "patch_code rollback", "A setting of the job is wrong."),
    ("http_missing", "patch_code ask_owner", "A service does not have what the job asks for."),
    ("http_bad_request", "patch_code ask_owner", "A service does not accept what the job sends."),
    ("already_exists", "patch_code escalate", "What the job wants to make is there already."),
    ("wrong_use", "patch_code rollback", "An engine or a library is used in a way that it does not support."),
)
DATA = _all(
    "data",
    ("missing_column", "update_schema_mapping patch_code", "A column that is read is not there."),
    ("column_renamed", "update_schema_mapping patch_code", "A column got a new name at its source."),
    ("schema_mismatch", "update_schema_mapping patch_code", "Columns or types are other than expected."),
    ("missing_relation", "ask_owner retry_later", "A table that is read is not there."),
    ("missing_file", "ask_owner retry_later", "A file that should have arrived is not there."),
    ("empty_input", "ask_owner retry_later", "What arrived is empty."),
    ("stale", "ask_owner wait", "What should have arrived is late."),
    ("bad_file", "ask_owner quarantine", "A file is broken, or not in the format that was agreed."),
    ("bad_value", "quarantine patch_data", "A value cannot be read as what it should be."),
    ("out_of_range", "quarantine patch_data", "A value is larger or longer than its column holds."),
    ("encoding", "ask_owner quarantine", "Text arrives in another encoding than expected."),
    ("nulls", "quarantine patch_data", "Values are missing where they must be there."),
    ("duplicate_rows", "patch_data quarantine", "A key is there twice."),
    ("orphan_rows", "quarantine ask_owner", "Rows refer to others that are not there."),
    ("test_failed", "quarantine ask_owner", "A check on the data fails."),
    ("unknown_category", "quarantine ask_owner", "A category that nobody knew arrives."),
    ("unusual_volume", "ask_owner close_as_expected", "Far more or far fewer rows than usual arrive."),
    ("unusual_total", "ask_owner quarantine", "A total is far from its usual band."),
    ("null_spike", "ask_owner quarantine", "Far more values than usual are missing."),
    ("history_lost", "ask_owner escalate", "A log, offset, snapshot or file that the job still needs is removed."),
)
TRANSIENT = _all(
    "transient",
    ("service_unavailable", "retry_later retry", "A service says that it is not available now."),
    ("rate_limited", "retry_later wait", "A service asks to be called less often."),
    ("unreachable", "retry retry_later", "Nothing answers, or the connection breaks."),
    ("slow_answer", "retry retry_later", "The other side did not answer in time."),
    ("lock_conflict", "retry retry_later", "Somebody else holds, or has just changed, what the job needs."),
    ("interrupted", "retry retry_later", "The work was stopped from outside: a restart, a preemption, a failover."),
    ("third_party", "retry_later retry", "Another side reports an error of its own."),
    ("not_yet_consistent", "retry retry_later", "What was just made cannot be seen yet."),
)

SUBTYPES: dict[str, Subtype] = {row.name: row for row in (*INFRASTRUCTURE, *CODE, *DATA, *TRANSIENT)}
