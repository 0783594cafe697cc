"""What `prefect.yaml` says, read and checked."""

import os
import re
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

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

    @field_validator("timezone")
    @classmethod
    def _is_on_earth(cls, timezone: str) -> str:
        if timezone not in available_timezones():
            raise ValueError(f"there is no time zone {timezone}; write one such as Europe/Berlin")
        return timezone


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


def read_deployments(
    path: Path = FILE, environment: Mapping[str, str] = os.environ, known: Mapping[str, Any] | None = None
) -> list[Deployment]:
    """The deployments of a prefect.yaml, with what the environment says in the places of its variables.

    Args:
        path: the file.
        environment: its variables.
        known: what a server has, by the names of deployments, in the shape of the file: there stays what a variable
            said earlier that is not set now.

    Raises:
        ConfigError: the file is not as it must be.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]
        filled = [_filled(entry, environment, (known or {}).get(entry["name"])) for entry in entries]
        return [Deployment.model_validate(entry) for entry in filled]
    except (yaml.YAMLError, KeyError, TypeError, ValidationError) as error:
        raise ConfigError(f"{path}, or a variable that it names, is not as it must be: {error}") from error


def _filled(value: Any, environment: Mapping[str, str], known: Any) -> Any:  # noqa: ANN401 - YAML can say anything
    """`value` with its variables' values; for one that is not set what is known, or nothing."""
    if isinstance(value, dict):
        has = known if isinstance(known, dict) else {}
        filled = {key: _filled(part, environment, has.get(key)) for key, part in value.items()}
        return {key: part for key, part in filled.items() if part is not None}
    if isinstance(value, list):
        has_list = known if isinstance(known, list) else []
        return [_filled(part, environment, has) for part, has in zip_longest(value, has_list[: len(value)])]
    if isinstance(value, str) and (variable := VARIABLE.fullmatch(value)):
        return environment.get(variable[1]) or known
    return value
