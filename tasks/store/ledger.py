"""The ledger: nothing is computed twice, nothing half-written is ever seen."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, JsonValue, ValidationError

from tasks.errors import AlreadyExistsError, CorruptFileError, NotInStoreError
from tasks.store.backend import Backend
from tasks.store.checkpoints import Checkpoints
from tasks.store.code import code_digest
from tasks.store.code_record import record_code
from tasks.store.keys import Step, settings_json
from tasks.store.manifest import (
    ArtifactRef,
    FileEntry,
    Manifest,
    content_folder,
    git_commit,
    host_name,
)
from tasks.store.verify import describe_files

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
        return self.paths([name])[name]

    def paths(self, names: Iterable[str] | None = None) -> dict[str, Path]:
        """The artifact's files `names`, or all, verified, by name; many are fetched at once. Raises as `path` does."""
        wanted = self.manifest.files if names is None else names
        return self._download({name: self._entry(name) for name in wanted})

    def url(self, name: str) -> str:
        """Where the artifact's file `name` lies, as a person would write it. Raises NotInStoreError."""
        self._entry(name)
        return f"{self._backend.url}/{self.root}/{name}"

    def link(self, name: str, valid: timedelta) -> str:
        """A URL that shows the artifact's file `name` to whoever has it, as `Backend.link` makes it.

        Raises NotInStoreError: the artifact has no such file.
        """
        self._entry(name)
        return self._backend.link(f"{self.root}/{name}", valid)

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
        name = manifest_key(ref)
        try:
            manifest = Manifest.model_validate_json(self.backend.read(name))
        except (ValidationError, CorruptFileError) as error:
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
        checkpoints: Checkpoints | None = None,
    ) -> Artifact:
        """The artifact of `step` for these inputs and settings: from the store, or computed now.

        Args:
            step: which step.
            inputs: artifacts or digests, by name.
            settings: the part of the experiment that the step reads.
            compute: called only if the artifact does not exist.
            checkpoints: what `compute` keeps of its state; dropped once the artifact is in the store.

        Raises:
            Whatever `compute` raises; then nothing is stored, and the checkpoints stay.
        """
        draft = draft_manifest(step, inputs, settings)
        found = self.find(step.name, draft.key)
        if found:
            if checkpoints:  # whoever made it may have been killed before it could drop them
                checkpoints.drop()
            return found
        with self.backend.scratch() as folder:
            clock = time.perf_counter()
            summary = dict(compute(folder))
            files = describe_files(folder)
            made = {
                "folder": content_folder(files),
                "files": files,
                "summary": summary,
                "seconds": round(time.perf_counter() - clock, 3),
                "device": step.device(),
            }
            artifact = self._commit(Manifest.model_validate({**dict(draft), **made}), step.package, folder)
        if checkpoints:
            checkpoints.drop()
        return artifact

    def checkpoints(self, step: Step, inputs: Mapping[str, Artifact | str], settings: BaseModel | None) -> Checkpoints:
        """The checkpoints of the artifact of `step` for these inputs and settings."""
        return Checkpoints(self.backend, draft_manifest(step, inputs, settings).ref)

    def _commit(self, manifest: Manifest, package: str, folder: Path) -> Artifact:
        artifact = Artifact(self.backend, manifest, reused=False)
        self.backend.upload(folder, artifact.root, manifest.files)
        record_code(self.backend, package)
        try:
            self.backend.create(manifest_key(manifest.ref), manifest.model_dump_json(indent=2).encode())
        except AlreadyExistsError:
            # Somebody computed the same at the same time and was first: theirs is the result, ours is left unseen.
            return self.get(manifest.ref)
        return artifact


def draft_manifest(step: Step, inputs: Mapping[str, Artifact | str], settings: BaseModel | None) -> Manifest:
    """The manifest of an artifact that is about to be made: all that decides its key, and no file yet."""
    names = {name: value if isinstance(value, str) else str(value.ref) for name, value in inputs.items()}
    return Manifest(
        step=step.name,
        key=step.key(names, settings),
        folder="",
        files={},
        inputs=names,
        settings=settings_json(settings),
        summary={},
        code=code_digest(step.package),
        libraries=step.versions(),
        commit=git_commit(),
        started=datetime.now(UTC),
        seconds=0.0,
        host=host_name(),
        device="",
    )


def manifest_key(ref: ArtifactRef) -> str:
    """Key of an artifact's manifest."""
    return f"steps/{ref}/manifest.json"
