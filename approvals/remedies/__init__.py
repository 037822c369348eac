"""From the typed facts of a diagnosis to a plan: one file per kind of remedy, no name of any table in any of them."""

from __future__ import annotations

from collections.abc import Callable

from approvals.plan import Plan
from approvals.remedies.ask_for_rows import ask_for_rows
from approvals.remedies.ask_owner import ask_owner
from approvals.remedies.case import Case
from approvals.remedies.close_as_expected import close_as_expected
from approvals.remedies.cluster import retry_in_cluster
from approvals.remedies.known_flaky import usual_recovery
from approvals.remedies.patch_data import patch_data
from approvals.remedies.quarantine import quarantine
from approvals.remedies.rerun_with_parameters import rerun_with_parameters
from approvals.remedies.retry import retry, retry_later
from approvals.remedies.rollback import rollback
from approvals.remedies.schema_mapping import update_schema_mapping
from incidents.subtypes import SUBTYPES
from knowledge.hints import RetryWindow

Remedy = tuple[str, Callable[[Case], Plan]]

# What heals each subtype, best first. What was rejected or failed for this incident is not proposed again.
REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "unknown_category": (("quarantine", quarantine),),
    "duplicate_rows": (("patch_data", patch_data),),
    "column_renamed": (("update_schema_mapping", update_schema_mapping),),
    "bad_commit": (("rollback", rollback),),
    "missing_ref": (("rollback", rollback),),
    "out_of_memory": (("rerun_with_parameters", rerun_with_parameters),),
    "permission_denied": (("ask_owner", ask_owner),),
    "empty_input": (("ask_owner", ask_for_rows),),
    "service_unavailable": (("retry_later", retry_later),),
    "lock_conflict": (("retry", retry),),
    "worker_lost": (("retry", retry_in_cluster),),
}


def remedies_for(subtype: str, case: Case) -> list[Remedy]:
    """Those of the subtype; before them what a note knows: that it was meant, when a retry works, or that one does."""
    known = list(REMEDIES.get(subtype, ()))
    may_pass = subtype in SUBTYPES and {"retry", "retry_later"} & {*SUBTYPES[subtype].actions}
    if may_pass and case.hints(RetryWindow):
        known = [("retry_later", retry_later), *(one for one in known if one[0] not in ("retry", "retry_later"))]
    elif flaky := usual_recovery(subtype, case, dict(known)):
        known = [flaky, *(one for one in known if one[0] != flaky[0])]
    if (case.facts.get("expected") or {}).get("within", False) is not False:
        known = [("close_as_expected", close_as_expected), *known]
    return known
