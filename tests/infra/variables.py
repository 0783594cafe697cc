"""Which variables of the environment mean something to somebody."""

import re
from collections.abc import Iterable
from pathlib import Path

import prefect.settings

from tasks.store.s3.settings import PREFIX, S3Settings

ROOT = Path(__file__).parents[2]
OTHERS = {"AWS_SHARED_CREDENTIALS_FILE", "DO_NOT_TRACK", "HOME", "OMP_WAIT_POLICY", "PATH", "PYTHONUNBUFFERED"}
OF_INTEGRATIONS = ("PREFECT_INTEGRATIONS_KUBERNETES_", "PREFECT_REDIS_MESSAGING_")
"""Starts of settings of prefect-kubernetes, which only Prefect's own image has, and of prefect-redis, an extra."""


def unknown(names: Iterable[str]) -> list[str]:
    """Those that neither Prefect nor our code reads. `NAME_FILE` is read if NAME is (infra/container/entrypoint.sh)."""
    files = (path for package in ("flows", "tasks") for path in (ROOT / package).rglob("*"))
    code = [path.read_text(encoding="utf-8") for path in files if path.suffix in {".py", ".yaml"}]
    known = {*re.findall(r"\bFOLDLINE_[A-Z0-9_]*[A-Z0-9]\b", "\n".join(code)), *OTHERS}
    known |= {f"{PREFIX}{field.upper()}" for field in S3Settings.model_fields}
    return [name for name in names if name not in known and not _is_prefects(name)]


def _is_prefects(name: str) -> bool:
    if name.startswith(OF_INTEGRATIONS):
        return True
    return name.startswith("PREFECT_") and hasattr(prefect.settings, name.removesuffix("_FILE"))
