"""Checkpoints: the state of an artifact that is being made, so that whoever is killed does not begin again.

    checkpoints/<step>/<key>/000003.json            the commit: which files the checkpoint has
    checkpoints/<step>/<key>/000003/<content>/...   its files

As with an artifact the manifest comes last and goes first, so that half a checkpoint is never seen. Several processes
may make the same artifact: their files never mix, and of two who save the same number the first counts. Files lie below
their number, not beside it: whoever deletes what is older never touches what is newer, even if its bytes are the same.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.errors import AlreadyExistsError, CorruptFileError, NotInStoreError, StoreError
from tasks.progress import say
from tasks.store.backend import Backend
from tasks.store.listing import CheckpointObjects, list_checkpoints
from tasks.store.manifest import ArtifactRef, FileEntry, content_folder
from tasks.store.verify import describe_files

GO_ON = "training then goes on from the one before, or begins anew."
FORGET_CHECKPOINT = f"Delete it: {GO_ON}"


class CheckpointManifest(BaseModel):
    """Which files a checkpoint has. Its existence in the store is what makes the checkpoint exist."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str
    """Subfolder that holds the files, named after their content."""
    files: dict[str, FileEntry]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that can be gone on from."""

    number: int
    paths: dict[str, Path]
    """Local files, verified, by name; not to be changed. They stay until `drop`, or as long as this object does."""
    held: ExitStack = field(repr=False)
    """What keeps them."""


class Checkpoints:
    """The checkpoints of one artifact."""

    def __init__(self, backend: Backend, ref: ArtifactRef) -> None:
        self._backend = backend
        self.ref = ref
        """The artifact that is being made."""
        self._held = ExitStack()
        """Folders of links to the files that were handed out."""

    def save(self, number: int, write: Callable[[Path], None]) -> None:
        """Keep what `write` puts into the empty folder that it is given, and delete the checkpoints before it.

        Nothing is changed if that number is there already: another process makes the same, and was first.
        """
        with self._backend.scratch() as folder:
            write(folder)
            files = describe_files(folder)
            manifest = CheckpointManifest(folder=content_folder(files), files=files)
            self._backend.upload(folder, _root(self.ref, number, manifest), files)
        try:
            self._backend.create(checkpoint_key(self.ref, number), manifest.model_dump_json(indent=2).encode())
        except AlreadyExistsError:
            return
        self._delete(found for found in self._listed() if found.number < number)

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint; None if there is none. Its files stay, whatever other processes do.

        One that is damaged is forgotten, so that its number can be saved again, and the one before it is looked at.
        """
        while numbers := self._numbers():
            newest = numbers.pop()
            if found := self._fetch(newest):
                return found
            if newest in self._numbers():  # else another process has just deleted it
                self._forget(newest, numbers)
        return None

    def drop(self) -> None:
        """Delete all checkpoints: the artifact is made."""
        self._held.close()
        self._delete(self._listed())

    def _listed(self) -> Iterable[CheckpointObjects]:
        return list_checkpoints(self._backend, f"{self.ref}/")

    def _numbers(self) -> list[int]:
        return sorted(found.number for found in self._listed() if found.manifest)

    def _fetch(self, number: int) -> Checkpoint | None:
        """The checkpoint of that number; None if it, or a part of it, is gone or damaged."""
        try:
            manifest = read_checkpoint(self._backend, self.ref, number)
            paths = self._backend.download(_root(self.ref, number, manifest), manifest.files)
        except (NotInStoreError, CorruptFileError):
            return None
        except StoreError:
            raise  # it is not the checkpoint that is wrong, but the store or the way there
        except OSError:  # the disk does not give its bytes
            return None
        with suppress(FileNotFoundError):  # another process has just deleted them
            return Checkpoint(number, self._hold(paths), self._held)
        return None

    def _hold(self, paths: Mapping[str, Path]) -> dict[str, Path]:
        """Links to files of a store in a folder, or of the cache, which others may delete."""
        folder = self._held.enter_context(self._backend.scratch())
        held = {name: folder / name for name in paths}
        for name, path in paths.items():
            held[name].parent.mkdir(parents=True, exist_ok=True)
            held[name].hardlink_to(path)
        return held

    def _forget(self, number: int, older: list[int]) -> None:
        """Delete the manifest of a damaged checkpoint; its files go with the next checkpoint."""
        key = checkpoint_key(self.ref, number)
        instead = f"the one before it, {older[-1]}, is used" if older else "all begins anew"
        self._backend.delete([key])
        say(f"The checkpoint {self._backend.url}/{key} was damaged and is forgotten: {instead}.")

    def _delete(self, unneeded: Iterable[CheckpointObjects]) -> None:
        gone = list(unneeded)
        self._backend.delete(found.manifest.key for found in gone if found.manifest)
        self._backend.delete(file.key for found in gone for file in found.files)


def checkpoint_key(ref: ArtifactRef, number: int) -> str:
    """Key of a checkpoint's manifest."""
    return f"checkpoints/{ref}/{number:06}.json"


def read_checkpoint(backend: Backend, ref: ArtifactRef, number: int) -> CheckpointManifest:
    """A checkpoint's manifest.

    Raises:
        NotInStoreError: there is none.
        CorruptFileError: it cannot be read.
    """
    key = checkpoint_key(ref, number)
    try:
        return CheckpointManifest.model_validate_json(backend.read(key))
    except (ValidationError, CorruptFileError) as error:
        raise CorruptFileError(f"{backend.url}/{key} is damaged. {FORGET_CHECKPOINT}") from error


def _root(ref: ArtifactRef, number: int, manifest: CheckpointManifest) -> str:
    return f"checkpoints/{ref}/{number:06}/{manifest.folder}"
