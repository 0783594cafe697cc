"""How Prefect is set up, wherever it runs: in this process, as a server, or as a worker."""

import json
import os
from collections.abc import Mapping

from tasks.home import foldline_home

HEARTBEAT = 30
"""Seconds between two heartbeats of a run on a worker, the least that Prefect can do."""

TAG = "foldline"
"""What all our deployments, and so their runs, are tagged with."""

QUIET = {
    # Nobody is called: no telemetry, no advertisements, and pages that do not ask amplitude.com, as those of V2 do.
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    # Threads that wait for each other let other programs work meanwhile: without it training falls to a third of its
    # speed as soon as anything else runs (docs/decisions/0006).
    "OMP_WAIT_POLICY": "PASSIVE",
    # What passes between tasks is small and never pickled.
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    # SQLite lets one write at a time; on a busy machine the others wait for more than Prefect's ten seconds.
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
}
RETENTION_DAYS = 90
SHORT_LIVED = {"prefect.flow-run.heartbeat": 24 * 3600, "prefect.artifact.updated": 24 * 3600}
"""Events that a run sends all the time, as long as it goes on, and for how many seconds they are kept."""
SERVER = {
    # Runs go after 90 days, with their child runs, logs, artifacts and events: what they made is in the store.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(RETENTION_DAYS * 24 * 3600),
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": f"P{RETENTION_DAYS}D",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_EVENT_RETENTION_OVERRIDES": json.dumps(SHORT_LIVED),
}
WORKER = {
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT),
    # A run starts within two seconds, and not before its time.
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    "PREFECT_WORKER_PREFETCH_SECONDS": "2",
    # A server whose database is away answers 500; Prefect's client asks again only after 429, 502 and 503.
    "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500",
    "PREFECT_CLIENT_MAX_RETRIES": "8",
}


def without_proxy(host: str) -> None:
    """Let this process, and all that it starts, reach a server of ours without the proxy that the environment names."""
    for variable in ("no_proxy", "NO_PROXY"):
        os.environ[variable] = ",".join(filter(None, [os.environ.get(variable), host]))


def set_up_prefect(settings: Mapping[str, str] = QUIET) -> None:
    """Set what is not set otherwise, for this process and all that it starts; before Prefect is imported.

    Prefect keeps its own files, such as its database, with what belongs to this machine.
    """
    home = foldline_home() / "prefect"
    # Prefect makes this folder, but none above it, and without it its server never starts.
    home.mkdir(parents=True, exist_ok=True)
    for name, value in {**QUIET, **settings, "PREFECT_HOME": str(home)}.items():
        os.environ.setdefault(name, value)
