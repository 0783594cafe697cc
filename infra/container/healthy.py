#!/usr/bin/env python3.11
"""Exits 0 if the Prefect server answers and, with --pool POOL, has just heard from a worker of this container."""

import argparse
import base64
import json
import os
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

PATIENCE = timedelta(seconds=90)
"""A worker says every 30 seconds that it is there: two of these may be lost."""


def main() -> None:
    """Exit with what is wrong, if anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool")
    pool = parser.parse_args().pool
    try:
        urlopen(f"{api()}/health", timeout=5)  # noqa: S310 -- our own server
        if pool and not any(is_ours(worker) for worker in workers_of(pool)):
            sys.exit(f"{api()} has heard from no worker of {socket.gethostname()} in pool {pool} for {PATIENCE}.")
    except OSError as error:
        sys.exit(f"{api()}: {error}")


def api() -> str:
    """Address of the server's API: by default the one in this container."""
    return os.environ.get("PREFECT_API_URL") or "http://127.0.0.1:4200/api"


def workers_of(pool: str) -> list[dict[str, str]]:
    """What the server knows of a pool's workers."""
    request = Request(f"{api()}/work_pools/{pool}/workers/filter", b"{}")  # noqa: S310 -- our own server
    request.add_header("Content-Type", "application/json")
    if secret := os.environ.get("PREFECT_API_AUTH_STRING_FILE"):
        word = Path(secret).read_text(encoding="utf-8").splitlines()[0]
        request.add_header("Authorization", f"Basic {base64.b64encode(word.encode()).decode()}")
    with urlopen(request, timeout=5) as answer:  # noqa: S310
        workers: list[dict[str, str]] = json.load(answer)
        return workers


def is_ours(worker: dict[str, str]) -> bool:
    """Whether a worker is of this container, and was heard of lately."""
    heard = datetime.fromisoformat(worker["last_heartbeat_time"])
    return worker["name"].startswith(f"{socket.gethostname()}-") and datetime.now(UTC) - heard < PATIENCE


if __name__ == "__main__":
    main()
