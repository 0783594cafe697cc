"""Registering pools, deployments and automations on a Prefect server; what is there already, as it should be, stays."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions, DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from prefect.workers.process import ProcessWorker

from flows.server.settings import TAG
from flows.server.specification import Deployment, Schedule

Facts = dict[str, Any]


@dataclass(frozen=True)
class Registered:
    """What became of something that was to be on the server."""

    kind: Literal["pool", "deployment", "automation"]
    name: str
    before: Facts | None
    """What the server knew of it; None if nothing."""
    after: Facts

    @property
    def changes(self) -> dict[str, tuple[object, object]]:
        """Facts that are others now, by name, such as ``limit`` or ``trigger.within``: what was, and what is."""
        before, after = _flat(self.before or {}), _flat(self.after)
        names = dict.fromkeys([*before, *after])
        return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def register_pool(client: SyncPrefectClient, name: str) -> Registered:
    """Make a pool for process workers; one of that name, of whatever type, stays as it is."""
    try:
        pool = client.read_work_pool(name)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=name, type="process", base_job_template=template))
        return Registered("pool", name, None, {"type": "process"})
    return Registered("pool", name, {"type": pool.type}, {"type": pool.type})


def known_deployments(client: SyncPrefectClient) -> dict[str, Any]:
    """What the server has of deployments that are ours, by their names, in the shape of prefect.yaml."""
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
    return {
        found.name: {
            "parameters": found.parameters,
            "schedules": [
                {"timezone": known.schedule.timezone}
                for known in found.schedules
                if isinstance(known.schedule, CronSchedule)
            ],
            "work_pool": {"job_variables": found.job_variables},
        }
        for found in client.read_deployments(deployment_filter=ours)
    }


def register_deployment(client: SyncPrefectClient, wanted: Deployment) -> Registered:
    """Let the server know a deployment; whether a person has turned its schedules on is left to that person."""
    flow, after = _flow(wanted), wanted_facts(wanted)
    existing = _find(client, f"{flow.name}/{wanted.name}")
    before = _present_facts(existing) if existing else None
    if before == after:
        return Registered("deployment", wanted.name, before, after)
    turned = {schedule.slug: schedule.active for schedule in existing.schedules} if existing else {}
    limit = wanted.concurrency_limit
    client.create_deployment(
        flow_id=client.create_flow_from_name(flow.name),
        name=wanted.name,
        entrypoint=wanted.entrypoint,
        description=wanted.description,
        tags=list(wanted.tags),
        parameters=wanted.parameters,
        parameter_openapi_schema=after["form"],
        enforce_parameter_schema=True,
        schedules=[_schedule(schedule, turned.get(schedule.slug, schedule.active)) for schedule in wanted.schedules],
        concurrency_limit=limit.limit if limit else None,
        concurrency_options=_options(limit.collision_strategy) if limit else None,
        work_pool_name=wanted.work_pool.name,
        job_variables=wanted.work_pool.job_variables,
    )
    return Registered("deployment", wanted.name, before, after)


def register_automation(client: SyncPrefectClient, wanted: AutomationCore) -> Registered:
    """Let the server know a rule; whether a person has turned it off is left to that person."""
    after = _automation_facts(wanted)
    found = client.read_automations_by_name(wanted.name)
    before = _automation_facts(found[0]) if found else None
    if not found:
        client.create_automation(wanted)
    elif before != after:
        client.update_automation(found[0].id, wanted.model_copy(update={"enabled": found[0].enabled}))
    return Registered("automation", wanted.name, before, after)


def _find(client: SyncPrefectClient, name: str) -> DeploymentResponse | None:
    try:
        return client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None


def wanted_facts(wanted: Deployment) -> Facts:
    """All that the server is to know of a deployment, its form included."""
    flow = _flow(wanted)
    limit = wanted.concurrency_limit
    return {
        "entrypoint": wanted.entrypoint,
        "description": wanted.description,
        "tags": sorted(wanted.tags),
        "parameters": wanted.parameters,
        "limit": [limit.limit, limit.collision_strategy] if limit else None,
        "schedules": {s.slug: [s.cron, s.timezone] for s in wanted.schedules},
        "pool": wanted.work_pool.name,
        "job variables": wanted.work_pool.job_variables,
        "form": parameter_schema(flow).model_dump_for_openapi(),
    }


def _flow(wanted: Deployment) -> Flow[..., object]:
    return load_flow_from_entrypoint(wanted.entrypoint)


def _present_facts(found: DeploymentResponse) -> Facts:
    limit, options = found.global_concurrency_limit, found.concurrency_options
    return {
        "entrypoint": found.entrypoint,
        "description": found.description,
        "tags": sorted(found.tags),
        "parameters": found.parameters,
        "limit": [limit.limit, options.collision_strategy.value] if limit and options else None,
        "schedules": dict(_present_schedules(found.schedules)),
        "pool": found.work_pool_name,
        "job variables": found.job_variables,
        "form": found.parameter_openapi_schema,
    }


def _present_schedules(schedules: list[DeploymentSchedule]) -> Iterator[tuple[str, list[str | None]]]:
    for found in schedules:
        known = found.schedule
        when = [known.cron, known.timezone] if isinstance(known, CronSchedule) else [str(known), None]
        yield found.slug or str(found.id), when


def _schedule(wanted: Schedule, active: bool) -> DeploymentScheduleCreate:
    return DeploymentScheduleCreate(
        slug=wanted.slug,
        schedule=CronSchedule(cron=wanted.cron, timezone=wanted.timezone),
        active=active,
    )


def _options(strategy: str) -> ConcurrencyOptions:
    return ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy(strategy))


def _automation_facts(automation: AutomationCore) -> Facts:
    facts = automation.model_dump(mode="json", include={"description", "trigger", "actions"})
    trigger = facts["trigger"]  # sets have no order
    return facts | {"trigger": trigger | {name: sorted(trigger[name]) for name in ("after", "expect", "for_each")}}


def _flat(facts: Facts, prefix: str = "") -> Facts:
    """Facts in groups as facts with dotted names."""
    flat: Facts = {}
    for name, value in facts.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) and value else {f"{prefix}{name}": value}
    return flat
