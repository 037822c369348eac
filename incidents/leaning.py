"""What else is known, in words, where a log leaves two readings: a column is gone because its source dropped it, or
because a query was changed this morning."""

from __future__ import annotations

import re

from incidents.subtypes import SUBTYPES, FailureClass, Subtype

# Words of a context, and whose change they tell of. More than one kind decides nothing.
TOLD: dict[FailureClass, re.Pattern[str]] = {
    "code": re.compile(
        r"\b(?:deploy(?:ed|ment)?|merged?|pull request|commit(?:ted)?|refactor\w{0,3}|upgrade[ds]?|rollout|released?"
        r"|(?:changed|edited|added|wrote|written) (?:the |a )?(?:code|query|model|job|dag|macro|script|function|sql)"
        r"|new (?:op|dag|model|job|script|profile|macro|version of our)|first (?:\w{1,20} )?run|not pinned|unpinned"
        r"|without pin\w{0,8}|version \w{0,10} ?(?:was|of the library|of the package)|started by hand with)",
        re.IGNORECASE,
    ),
    "data": re.compile(
        r"\b(?:provider|vendor|partner|producer|supplier|publisher|agency|source (?:team|system|table)|upstream team"
        r"|new (?:delivery|file|export|column|field|feed)|(?:today|yesterday)'s (?:file|delivery|export)|exported"
        r"|the (?:application's|source's) team|delivery|till system|header of|free dates|began to (?:send|fill)"
        r"|started to send|renamed (?:the )?(?:column|field)|in the same chunk)",
        re.IGNORECASE,
    ),
    "transient": re.compile(
        r"\b(?:next try|second (?:run|try)|(?:re-?run|retry) (?:passe[sd]|worked|succeeded)"
        r"|(?:usually|mostly|often) (?:passes|works|succeeds)|at random"
        r"|randomly|from time to time|occasional\w{0,2}|went away (?:by itself|on its own)"
        r"|always passes|passes (?:again|when started again)|once or twice|sporadic\w{0,5}|intermittent\w{0,2}"
        r"|now and then|flaky|in parallel|at once|outage|maintenance|heavy load"
        r"|other \w{1,20}(?: \w{1,20}){0,5} passed)",
        re.IGNORECASE,
    ),
    "infrastructure": re.compile(
        r"\b(?:firewall|security group|network policy|vpc|subnet|proxy|rotat\w{1,4}|expired|revoked|moved to"
        r"|was moved|new (?:account|cluster|network|region|role)|(?:memory|disk|container) limit|quota)",
        re.IGNORECASE,
    ),
}
# What somebody else released or upgraded is no change of our code.
THEIRS = re.compile(
    r"\b(provider|vendor|partner|producer|supplier|publisher|agency)\b[^.]{0,40}?"
    r"\b(?:deploy(?:ed|ment)?|refactor\w{0,3}|upgrade[ds]?|rollout|released?|new version)\b",
    re.IGNORECASE,
)
# What a log seems to say, and what it means when the context tells of a change of that class.
SHIFTS: dict[tuple[str, FailureClass], str] = {
    ("missing_column", "code"): "binder",
    ("missing_relation", "code"): "binder",
    ("schema_mismatch", "code"): "contract",
    ("bad_value", "code"): "type",
    ("logic", "data"): "missing_column",
    ("type", "data"): "bad_value",
    ("binder", "data"): "missing_column",
    ("name_resolution", "transient"): "unreachable",
    ("authentication", "transient"): "third_party",
    ("unreachable", "infrastructure"): "network",
    ("slow_answer", "infrastructure"): "network",
    ("unreachable", "code"): "configuration",
    ("missing_file", "code"): "configuration",
    ("worker_lost", "transient"): "interrupted",
    ("missing_file", "transient"): "not_yet_consistent",
    ("engine_down", "transient"): "third_party",
    ("time_limit", "transient"): "slow_answer",
    ("already_exists", "transient"): "lock_conflict",
    ("http_bad_request", "transient"): "third_party",
    ("http_missing", "transient"): "third_party",
    ("http_denied", "transient"): "third_party",
    ("bad_file", "transient"): "third_party",
}


def leaning(context: str) -> FailureClass | None:
    """Whose change the context tells of; None for nobody's, and for several."""
    context = THEIRS.sub(r"\1", context[:5000])
    told = [failure_class for failure_class, words in TOLD.items() if words.search(context)]
    return told[0] if len(told) == 1 else None


def shifted(subtype: Subtype, context: str) -> Subtype | None:
    """What `subtype` means in that context, where it means something else."""
    towards = leaning(context)
    name = SHIFTS.get((subtype.name, towards)) if towards else None
    return SUBTYPES[name] if name else None
