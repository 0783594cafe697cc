"""How Prefect understands what it is set up with."""

import json
import os
import subprocess
import sys
from pathlib import Path

from flows.server.settings import SERVER

SCRIPT = """
import json
from prefect.settings import get_current_settings
server = get_current_settings().server
vacuum = server.services.db_vacuum
print(json.dumps([
    sorted(vacuum.enabled_vacuum_types),
    vacuum.retention_period.days,
    server.events.retention_period.days,
    {name: period.total_seconds() / 3600 for name, period in vacuum.event_retention_overrides.items()},
]))
"""


def test_server_keeps_runs_for_90_days_and_what_they_send_all_the_time_for_one(tmp_path: Path) -> None:
    environment = {**os.environ, **SERVER, "PREFECT_HOME": str(tmp_path)}
    printed = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, check=True).stdout
    kinds, runs, events, short = json.loads(printed)
    assert (kinds, runs, events) == (["events", "flow_runs", "orphans"], 90, 90)
    assert short == {"prefect.flow-run.heartbeat": 24, "prefect.artifact.updated": 24}
