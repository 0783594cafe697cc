"""Which GPUs this machine has, asked without loading torch."""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from itertools import takewhile

from tasks.errors import ConfigError

ANSWER_WITHIN = 60
"""Seconds that the driver has to answer: that of a dying GPU may never do so."""


def choose_gpus(wanted: str) -> list[str]:
    """The GPUs that workers are to be started for, as CUDA_VISIBLE_DEVICES names them.

    Args:
        wanted: `auto`: those that CUDA_VISIBLE_DEVICES lets this process see, or else all that the driver lists; or
            numbers or UUIDs, separated by commas.

    Raises:
        ConfigError: the driver has no such GPU.
    """
    listed = _listed_gpus()
    if wanted != "auto":
        return _known(_split(wanted), listed)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return list(listed) if visible is None else _split(visible)


def _known(chosen: list[str], listed: Mapping[str, str]) -> list[str]:
    """The GPUs that were chosen; parts of GPUs (MIG) are believed. Raises ConfigError."""
    uuids = {**listed, **{uuid: uuid for uuid in listed.values()}}
    unknown = [gpu for gpu in chosen if gpu not in uuids and not gpu.startswith("MIG-")]
    if unknown:
        raise ConfigError(
            f"There is no GPU {unknown[0]}: the driver lists {len(listed)}. `nvidia-smi -L` shows them, and "
            "`--slots N` starts workers that train on cores."
        )
    same = [uuid for uuid, count in Counter(uuids.get(gpu, gpu) for gpu in chosen).items() if count > 1]
    if same:
        raise ConfigError(f"{len(same)} GPUs are named twice, such as {same[0]}. A GPU can have one worker.")
    return chosen


def _split(names: str) -> list[str]:
    """As CUDA reads them: what follows a number below zero does not count."""
    found = [name.strip() for name in names.split(",") if name.strip()]
    return list(takewhile(lambda name: not name.startswith("-"), found))


def _listed_gpus() -> dict[str, str]:
    """UUID of every GPU by its number; none if there is no driver."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return {}
    query = [command, "--query-gpu=index,uuid", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=True, timeout=ANSWER_WITHIN)  # noqa: S603
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        why = str(error.output or error.stderr or error).strip()
        raise ConfigError(f"nvidia-smi cannot list the GPUs: {why}. Mend the driver, or start --slots.") from error
    rows = (line.split(",") for line in answer.stdout.splitlines() if "," in line)
    return {number.strip(): uuid.strip() for number, uuid in rows}
