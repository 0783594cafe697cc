"""Which GPUs this machine has, asked without loading torch."""

import os
import shutil
import subprocess

from tasks.errors import ConfigError


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
        chosen = _split(wanted)
        known = {name for gpu in listed for name in gpu}
        unknown = [gpu for gpu in chosen if gpu not in known]
        if unknown:
            raise ConfigError(
                f"There is no GPU {unknown[0]}: the driver lists {len(listed)}. `nvidia-smi -L` shows them, and "
                "`--slots N` starts workers that train on cores."
            )
        return chosen
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return [number for number, _ in listed] if visible is None else _split(visible)


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _listed_gpus() -> list[tuple[str, str]]:
    """Number and UUID of every GPU; none if there is no driver."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    query = [command, "--query-gpu=index,uuid", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    if answer.returncode:
        why = (answer.stdout or answer.stderr).strip()
        raise ConfigError(f"nvidia-smi cannot list the GPUs: {why}. Mend the driver, or start --slots.")
    rows = (line.split(",") for line in answer.stdout.splitlines() if "," in line)
    return [(number.strip(), uuid.strip()) for number, uuid in rows]
