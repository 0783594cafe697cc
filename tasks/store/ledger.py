"""The ledger: nothing is computed twice, nothing half-written is ever seen."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, JsonValue, ValidationError

from tasks.errors import AlreadyExistsError, CorruptFileError, NotInStoreError
from tasks.store.backend import Backend
from tasks.store.code import code_digest
from tasks.store.keys import Step, digest_json, settings_json
from tasks.store.manifest import (
    ArtifactRef,
    FileEntry,
    Manifest,
    describe_files,
    git_commit,
    host_name,
)

Compute = Callable[[Path], Mapping[str, JsonValue]]
"""Writes an artifact's files into the empty folder that it is given; returns the summary."""

MAKE_ANEW = "Delete the folder that holds its manifest.json; the next run makes it anew."


class Artifact:
    """A step's result that is in the store."""

    def __init__(self, backend: Backend, manifest: Manifest, *, reused: bool) -> None:
        self._backend = backend
        self.manifest = manifest
        self.reused = reused
        """Whether it was in the store before it was asked for."""

    @property
    def ref(self) -> ArtifactRef:
        """The artifact's name."""
        return self.manifest.ref

    @property
    def root(self) -> str:
        """Key of the folder that holds the files."""
        return f"steps/{self.manifest.step}/{self.manifest.key}/{self.manifest.folder}"

    def path(self, name: str) -> Path:
        """A local file with the verified bytes of the artifact's file `name`.

        Raises:
            NotInStoreError: the artifact has no such file.
            CorruptFileError: the bytes are gone, or not those that the manifest names.
        """
        return self._download({name: self._entry(name)})[name]

    def paths(self) -> dict[str, Path]:
        """Every file of the artifact, verified, by name. Raises as `path` does."""
        return self._download(self.manifest.files)

    def url(self, name: str) -> str:
        """Where the artifact's file `name` lies, as a person would write it. Raises NotInStoreError."""
        self._entry(name)
        return f"{self._backend.url}/{self.root}/{name}"

    def _download(self, files: Mapping[str, FileEntry]) -> dict[str, Path]:
        try:
            return self._backend.download(self.root, files)
        except NotInStoreError as error:
            raise CorruptFileError(f"{error}, but its manifest names it. {MAKE_ANEW}") from error
        except CorruptFileError as error:
            raise CorruptFileError(f"{error} {MAKE_ANEW}") from error

    def _entry(self, name: str) -> FileEntry:
        if name not in self.manifest.files:
            raise NotInStoreError(f"{self.ref} has no file {name!r}; it has {', '.join(self.manifest.files)}")
        return self.manifest.files[name]


class Ledger:
    """Artifacts by step key, over a backend."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def get(self, ref: ArtifactRef) -> Artifact:
        """The artifact of that name.

        Raises:
            NotInStoreError: there is none.
            CorruptFileError: its manifest cannot be read.
        """
        name = _manifest_key(ref.step, ref.key)
        try:
            manifest = Manifest.model_validate_json(self.backend.read(name))
        except ValidationError as error:
            raise CorruptFileError(f"{self.backend.url}/{name} is damaged: it is no manifest. {MAKE_ANEW}") from error
        return Artifact(self.backend, manifest, reused=True)

    def find(self, step: str, key: str) -> Artifact | None:
        """The artifact of that step key, if it exists."""
        try:
            return self.get(ArtifactRef(step=step, key=key))
        except NotInStoreError:
            return None

    def produce(
        self,
        step: Step,
        inputs: Mapping[str, Artifact | str],
        settings: BaseModel | None,
        compute: Compute,
        device: Callable[[], str] = lambda: "cpu",
    ) -> Artifact:
        """The artifact of `step` for these inputs and settings: from the store, or computed now.

        Args:
            step: which step.
            inputs: artifacts or digests, by name.
            settings: the part of the experiment that the step reads.
            compute: called only if the artifact does not exist.
            device: tells what it is computed on, for the manifest; called only if it is computed.

        Raises:
            Whatever `compute` raises; then nothing is stored.
        """
        names = {name: value if isinstance(value, str) else str(value.ref) for name, value in inputs.items()}
        key = step.key(names, settings)
        found = self.find(step.name, key)
        if found:
            return found
        with self.backend.scratch() as folder:
            started, clock = datetime.now(UTC), time.perf_counter()
            summary = dict(compute(folder))
            files = describe_files(folder)
            manifest = Manifest(
                step=step.name,
                key=key,
                folder=digest_json({name: entry.sha256 for name, entry in files.items()})[:12],
                files=files,
                inputs=names,
                settings=settings_json(settings),
                summary=summary,
                code=code_digest(step.package),
                libraries=step.versions(),
                commit=git_commit(),
                started=started,
                seconds=round(time.perf_counter() - clock, 3),
                host=host_name(),
                device=device(),
            )
            return self._commit(manifest, folder)

    def _commit(self, manifest: Manifest, folder: Path) -> Artifact:
        artifact = Artifact(self.backend, manifest, reused=False)
        self.backend.upload(folder, artifact.root, manifest.files)
        try:
            self.backend.create(_manifest_key(manifest.step, manifest.key), manifest.model_dump_json(indent=2).encode())
        except AlreadyExistsError:
            # Somebody computed the same at the same time and was first: theirs is the result, ours is left unseen.
            return self.get(manifest.ref)
        return artifact


def _manifest_key(step: str, key: str) -> str:
    return f"steps/{step}/{key}/manifest.json"
