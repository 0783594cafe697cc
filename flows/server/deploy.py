"""`foldline deploy`: everything that a server must know of Foldline."""

import os
from collections.abc import Iterator

from prefect.client.orchestration import get_client

from flows.server.automations import end_lost_runs, notification_rules
from flows.server.notifications import VARIABLE, notification_block
from flows.server.register import Registered, known_deployments, register_automation, register_deployment, register_pool
from flows.server.specification import read_deployments


def deploy() -> Iterator[Registered]:
    """Register pools, deployments and automations on the server that PREFECT_API_URL names; what is right stays.

    Raises:
        ConfigError: prefect.yaml, or what the environment says of notifications, is wrong.
    """
    where = os.environ.get(VARIABLE)
    with get_client(sync_client=True) as client:
        notices = notification_rules(notification_block(client, where)) if where else []
        deployments = read_deployments(known=known_deployments(client))
        for pool in dict.fromkeys(deployment.work_pool.name for deployment in deployments):
            yield register_pool(client, pool)
        for deployment in deployments:
            yield register_deployment(client, deployment)
        for rule in (end_lost_runs(), *notices):
            yield register_automation(client, rule)
