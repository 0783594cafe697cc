"""What a server is told, held by a picture of it; that it is told only once is in tests/server."""

import json
import os
from pathlib import Path

from prefect.events.schemas.automations import Posture

from flows.server.automations import end_lost_runs
from flows.server.register import Registered, wanted_facts
from flows.server.settings import HEARTBEAT
from flows.server.specification import read_deployments

PICTURE = Path(__file__).with_name("deployments.json")
AGAIN = "FOLDLINE_PICTURE"
"""The variable that, if set, has the picture taken again; look at what has changed in it before you commit it."""
TAKE = os.environ.get(AGAIN)  # before tests get an environment of their own


def test_forms_schedules_and_limits_are_as_they_were_when_somebody_last_looked() -> None:
    facts = {deployment.name: wanted_facts(deployment) for deployment in read_deployments(environment={})}
    picture = json.dumps(facts, indent=1, sort_keys=True) + "\n"
    if TAKE:
        PICTURE.write_text(picture)
    assert picture == PICTURE.read_text(), f"Is that meant? Then run this test once with {AGAIN}=1."


def test_run_is_lost_only_after_it_has_missed_several_heartbeats() -> None:
    trigger = end_lost_runs().trigger
    assert trigger.posture == Posture.Proactive  # type: ignore[union-attr]
    assert trigger.within.total_seconds() >= 2.5 * HEARTBEAT  # type: ignore[union-attr]


def test_changes_are_named_down_to_the_single_fact() -> None:
    before = {"limit": [1, "ENQUEUE"], "trigger": {"within": 60, "after": ["x"]}}
    after = {"limit": [1, "ENQUEUE"], "trigger": {"within": 90, "after": ["x"]}}
    assert Registered("automation", "lost", before, after).changes == {"trigger.within": (60, 90)}
    assert Registered("automation", "lost", after, after).changes == {}
