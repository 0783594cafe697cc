"""Claims: whoever deletes says so first, so that no run relies on what is about to go.

Housekeeping creates its claim, then lists the runs. A run creates its start, then looks for claims, and waits until
those that it finds are gone. However the two interleave, either housekeeping sees the run and spares what it needs, or
the run sees the claim; a claim that comes later is of one who sees the run. Ages are told by the times that the store
itself gives to objects, as the clocks of two machines may differ.
"""

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from tasks.errors import StoreError
from tasks.progress import say
from tasks.store.backend import Backend
from tasks.store.manifest import host_name

FOLDER = "housekeeping/"
CLAIM = re.compile(r"housekeeping/\d{8}-\d{6}-[0-9a-f]{8}\.json")
CLAIM_LASTS = timedelta(minutes=15)
"""A claim that is older is that of a process that was killed."""
DELETE_FOR = CLAIM_LASTS * 2 / 3
"""For how long its owner goes on: the rest is for requests under way, which may be repeated for minutes."""
POLL = 1.0
"""Seconds between two looks at a claim that is waited for."""


@contextmanager
def claimed(backend: Backend) -> Iterator[Callable[[], None]]:
    """Claim the store for deleting; yields what to call before each deletion: it raises StoreError once time is up.

    Raises:
        StoreError: another has claimed it.
    """
    started = datetime.now(UTC)
    key = f"{FOLDER}{started:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}.json"
    backend.create(key, json.dumps({"started": started.isoformat(), "host": host_name()}, indent=2).encode())

    def see_that_it_lasts() -> None:
        # By the wall clock, which goes on while a computer sleeps.
        if datetime.now(UTC) - started > DELETE_FOR:
            raise StoreError(
                f"Deleting was stopped after {_minutes(DELETE_FOR)}: runs may be waiting. The same command goes on."
            )

    try:
        _refuse_others(backend, key)
        yield see_that_it_lasts
    finally:
        backend.delete([key])


def wait_for_claims(backend: Backend, key: str) -> None:
    """Return once nobody deletes who looked before the object `key` was there, which the caller has created."""
    left = {claim: CLAIM_LASTS - age for claim, age in _ages(backend, key).items()}
    began = time.monotonic()
    for claim, lasts in left.items():
        if lasts > timedelta(0):
            say(
                f"Waiting until `foldline gc` has deleted what nobody needs, {_minutes(lasts)} at most. If it was "
                f"killed, delete {backend.url}/{claim}."
            )
        while time.monotonic() - began < lasts.total_seconds() and claim in _claims(backend):
            time.sleep(POLL)


def _refuse_others(backend: Backend, key: str) -> None:
    """Remove claims that count no more, and refuse to go on beside one that does."""
    ages = _ages(backend, key)
    del ages[key]
    backend.delete(claim for claim, age in ages.items() if age >= CLAIM_LASTS)
    for claim, age in ages.items():
        if age < CLAIM_LASTS:
            raise StoreError(
                f"Another `foldline gc` deletes in this store. Wait until it is done; if it was killed, delete "
                f"{backend.url}/{claim}, or wait {_minutes(CLAIM_LASTS - age)}: then its claim counts no more."
            )


def _claims(backend: Backend) -> dict[str, datetime]:
    """Every claim, and when it was written."""
    return {found.key: found.modified for found in backend.list(FOLDER) if CLAIM.fullmatch(found.key)}


def _ages(backend: Backend, key: str) -> dict[str, timedelta]:
    """Every claim, and how long before the object `key` it was written."""
    claims = _claims(backend)
    folder = f"{key.rpartition('/')[0]}/"
    written = {found.key: found.modified for found in backend.list(folder)} if claims else {}
    return {claim: written[key] - modified for claim, modified in claims.items()}


def _minutes(span: timedelta) -> str:
    return f"{-(-span.total_seconds() // 60):.0f} minutes"
