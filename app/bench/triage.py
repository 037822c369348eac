"""`manage.py bench triage`: every byte of a large log read to its decisive lines, and failures found in long noise."""

from __future__ import annotations

import io
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from app.bench.result import Result
from incidents.classify import classify
from incidents.signatures import Signature, load

MB = 2**20
SPEED_MB_S, MEMORY_MB = 50, 300  # a core; resident at most
FAILURES, LOG_MB, FOUND = 100, 50, 95
SEED = 20261120
# What healthy runs say, with the words that a search for trouble trips over.
NOISE = (
    "{at} INFO  [main] scheduler: finished task {n} in stage 3.0 (TID {n}) in {n} ms on worker-{k} ({k}/200)",
    "{at} INFO  [pool-{k}] reader: read {n} rows from s3://lake/raw/orders/day={k}/part-{n}.parquet",
    "{at} DEBUG [http-{k}] client: GET /v1/rates?page={n} -> 200 in {k} ms",
    "{at} INFO  [main] dbt: {k} of 200 OK created sql table model marts.error_rates_{k} ...... [SUCCESS {n} in 0.{k}s]",
    "{at} INFO  [main] summary: 0 errors, 0 failed, {n} passed, error_count=0, exceptions: none",
    "{at} WARN  [pool-{k}] client: request took {n} ms, retrying once (attempt 1 of 3)",
    "{at} INFO  [main] config: on_failure=stop timeout={k}s max_errors={n} fatal_on_missing=false",
    "{at} DEBUG [gc] heap {n} MB of 8192 MB used, no memory pressure",
)


def bench(megabytes: int) -> Result:
    rate, peak = _speed(megabytes)
    found, missed_ids = _found(max(1, LOG_MB * megabytes // 1000))
    rows = (
        f"read {megabytes} MB at {rate:.0f} MB/s, resident at most {peak:.0f} MB",
        f"decisive lines of {found} of {FAILURES} failures found in logs of {max(1, LOG_MB * megabytes // 1000)} MB",
    )
    missed = [
        (rate < SPEED_MB_S, f"Slower than {SPEED_MB_S} MB/s."),
        (peak > MEMORY_MB, f"More than {MEMORY_MB} MB resident."),
        (found < FOUND, f"Fewer than {FOUND} of {FAILURES} failures found: not {', '.join(missed_ids)}."),
    ]
    report = {"megabytes": megabytes, "mb_per_s": round(rate, 1), "resident_mb": round(peak, 1), "found": found,
              "of": FAILURES}  # fmt: skip
    return Result(rows, report, tuple(text for is_missed, text in missed if is_missed))


def _speed(megabytes: int) -> tuple[float, float]:
    """MB a second of one core, and the most megabytes resident."""
    rng = random.Random(SEED)  # noqa: S311 - noise
    with tempfile.NamedTemporaryFile(suffix=".log") as file:
        for _ in range(megabytes // 8 or 1):
            file.write(b"".join(_noise(rng, 8 * MB)))
        file.flush()
        size = Path(file.name).stat().st_size
        with Path(file.name).open("rb") as log:
            start = time.process_time()
            classify(log)
            taken = time.process_time() - start
    return size / MB / taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _found(megabytes: int) -> tuple[int, list[str]]:
    rng = random.Random(SEED + 1)  # noqa: S311 - noise
    noise = b"".join(_noise(rng, megabytes * MB))
    chosen = rng.sample([one for one in load() if one.rank == "cause"], FAILURES)
    missed = [one.id for one in chosen if not _is_found(one, noise, rng)]
    return FAILURES - len(missed), missed


def _is_found(signature: Signature, noise: bytes, rng: random.Random) -> bool:
    at = noise.find(b"\n", rng.randrange(len(noise) * 9 // 10)) + 1
    text = f"2026-11-20 02:47:11 ERROR [main] job failed\n  {signature.matches.strip()}\n"
    log = io.BytesIO(noise[:at] + text.encode() + noise[at:])
    expected = noise.count(b"\n", 0, at) + 2
    return expected in {line.number for line in classify(log).decisive}


def _noise(rng: random.Random, size: int) -> Iterator[bytes]:
    """About `size` bytes of healthy lines."""
    made = 0
    while made < size:
        line = rng.choice(NOISE).format(at="2026-11-20 02:47:11,004", n=rng.randrange(10**6), k=rng.randrange(200))
        made += len(line) + 1
        yield f"{line}\n".encode()
