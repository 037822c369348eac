"""Diagnosis by rules: the first that concludes something wins. The order, and why:

1. what the engine says in so many words about memory, rights, services and locks: nothing else needs proof; and what
   a cluster says of the pods of a job that ran there;
2. a reference to something that is not there: dbt ran nothing, so data cannot be the cause;
3. our own finding about data that arrived: it is older than whatever failed on it;
4. a renamed column, proven by the schema's history: before commits, because a commit that only touches the model
   would be blamed for what its source did;
5. repeated rows, counted in the table;
6. a commit on the way to the failure since the last good run, while the source's columns held;
7. a known signature for which there is no remedy yet: the class is named, and nothing more is claimed.
"""

from __future__ import annotations

from collections.abc import Callable

from incidents.case import Case
from incidents.history import History
from incidents.rules import cluster, code, columns, drift, engine, keys, known, missing, permission
from incidents.verdict import Verdict

Rule = Callable[[Case, History], Verdict | None]

RULES: tuple[Rule, ...] = (
    engine.out_of_memory,
    permission.permission_denied,
    engine.service_unavailable,
    engine.lock_conflict,
    cluster.pod,
    code.missing_ref,
    drift.unknown_category,
    missing.empty_load,
    columns.column_renamed,
    keys.duplicate_rows,
    code.bad_commit,
    drift.other,
    known.signature,
)
