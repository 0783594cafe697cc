"""What `prefect.yaml` says, read and checked."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.errors import ConfigError

FILE = Path(__file__).with_name("prefect.yaml")
VARIABLE = re.compile(r"\{\{ *\$(\w+) *\}\}")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ConcurrencyLimit(_Part):
    """How many runs of a deployment there may be at once, and what becomes of one more."""

    limit: int = Field(gt=0)
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]


class Schedule(_Part):
    """When runs start by themselves."""

    slug: str
    cron: str
    timezone: str = "UTC"
    active: bool
    parameters: dict[str, Any] = {}


class WorkPool(_Part):
    """Whose workers take the runs, and how these start."""

    name: str
    job_variables: dict[str, Any] = {}


class Deployment(_Part):
    """A flow that the server knows."""

    name: str
    entrypoint: str
    """The flow's module and its name there, joined by a dot."""
    description: str
    tags: tuple[str, ...] = ()
    parameters: dict[str, Any] = {}
    concurrency_limit: ConcurrencyLimit | None = None
    schedules: tuple[Schedule, ...] = ()
    work_pool: WorkPool


def read_deployments(path: Path = FILE, environment: Mapping[str, str] = os.environ) -> list[Deployment]:
    """The deployments of a prefect.yaml, with what the environment says in the places of its variables.

    Raises:
        ConfigError: the file is not as it must be.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        return [Deployment.model_validate(_filled(entry, environment)) for entry in content["deployments"]]
    except ValidationError as error:
        raise ConfigError(f"{path} is not as it must be: {error}") from error


def _filled(value: Any, environment: Mapping[str, str]) -> Any:  # noqa: ANN401 - YAML can say anything
    """`value` with its variables' values; what names one that is not set is left out."""
    if isinstance(value, dict):
        filled = {key: _filled(part, environment) for key, part in value.items()}
        return {key: part for key, part in filled.items() if part is not None}
    if isinstance(value, list):
        return [_filled(part, environment) for part in value]
    if isinstance(value, str) and (variable := VARIABLE.fullmatch(value)):
        return environment.get(variable[1]) or None
    return value
