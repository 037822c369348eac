"""From the typed facts of a diagnosis to a plan: one file per kind of remedy, no name of any table in any of them."""

from __future__ import annotations

from collections.abc import Callable

from approvals.plan import Plan
from approvals.remedies.ask_owner import ask_owner
from approvals.remedies.case import Case
from approvals.remedies.patch_data import patch_data
from approvals.remedies.quarantine import quarantine
from approvals.remedies.rerun_with_parameters import rerun_with_parameters
from approvals.remedies.retry import retry, retry_later
from approvals.remedies.rollback import rollback
from approvals.remedies.schema_mapping import update_schema_mapping

# What heals each subtype, best first. What was rejected or failed for this incident is not proposed again.
REMEDIES: dict[str, tuple[tuple[str, Callable[[Case], Plan]], ...]] = {
    "unknown_category": (("quarantine", quarantine),),
    "duplicate_rows": (("patch_data", patch_data),),
    "column_renamed": (("update_schema_mapping", update_schema_mapping),),
    "bad_commit": (("rollback", rollback),),
    "missing_ref": (("rollback", rollback),),
    "out_of_memory": (("rerun_with_parameters", rerun_with_parameters),),
    "permission_denied": (("ask_owner", ask_owner),),
    "service_unavailable": (("retry_later", retry_later),),
    "lock_conflict": (("retry", retry),),
}
