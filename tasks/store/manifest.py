"""Manifests: what an artifact is made of, and what it was made from."""

import hashlib
import platform
import subprocess
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue

from tasks.store.keys import digest_json

CHUNK = 1 << 20


class ArtifactRef(BaseModel):
    """Names an artifact: what flows and tasks hand each other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str
    key: str

    def __str__(self) -> str:
        return f"{self.step}/{self.key}"


class FileEntry(BaseModel):
    """A file of an artifact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size: int
    """Bytes."""


class Manifest(BaseModel):
    """Everything that is to know about an artifact. Its existence in the store is what makes the artifact exist."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    step: str
    key: str
    folder: str
    """Subfolder that holds the files, named after their content: writers who race never mix their files."""
    files: dict[str, FileEntry]
    inputs: dict[str, str]
    """Artifact (``step/key``) or data digest, by the name of the input."""
    settings: dict[str, JsonValue]
    summary: dict[str, JsonValue]
    """A few facts about the result, for people who look it up."""
    code: str
    """Digest of the code that computed it."""
    libraries: dict[str, str]
    commit: str | None
    """Git commit of the checkout that computed it; missing if it was none."""
    started: datetime
    seconds: float
    host: str
    device: str

    @property
    def ref(self) -> ArtifactRef:
        """The artifact's name."""
        return ArtifactRef(step=self.step, key=self.key)


def content_folder(files: Mapping[str, FileEntry]) -> str:
    """Name of the folder that holds an artifact's files: the first 12 digits of a digest over their digests."""
    return digest_json({name: entry.sha256 for name, entry in files.items()})[:12]


def describe_file(path: Path) -> FileEntry:
    """Digest and size of a file."""
    with path.open("rb") as file:
        return FileEntry(sha256=hashlib.file_digest(file, "sha256").hexdigest(), size=path.stat().st_size)


def host_name() -> str:
    """Name of this machine."""
    return platform.node()


@cache
def git_commit() -> str | None:
    """Commit of the checkout that this code runs from; None if it is no checkout."""
    folder = Path(__file__).parents[2]
    if not (folder / ".git").exists():
        return None
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
