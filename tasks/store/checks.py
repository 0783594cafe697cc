"""What can be wrong with a single thing in a store."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import ValidationError

from tasks.errors import CorruptFileError, NotInStoreError, StoreError
from tasks.store.backend import Backend, StoredObject
from tasks.store.checkpoints import (
    FORGET_CHECKPOINT,
    GO_ON,
    CheckpointManifest,
    checkpoint_key,
    read_checkpoint,
)
from tasks.store.code_record import read_code
from tasks.store.ledger import MAKE_ANEW, Ledger, manifest_key
from tasks.store.listing import (
    CheckpointObjects,
    contradictions,
    list_artifacts,
    list_checkpoints,
    parents,
    read_move,
)
from tasks.store.manifest import ArtifactRef, FileEntry, Manifest
from tasks.store.memory import read_part
from tasks.store.runs import RunManifest, RunStart

MAKE_LOST = "The next run with the same data and settings makes it anew."
FORGET_RUN = "Delete the run's folder to forget it; its artifacts stay."
ROLL_BACK = "Delete it: the one before it counts then."
FORGET_CODE = "Delete it: nothing but the names of changed functions is lost."
FORGET_PART = "Delete it: what it remembers is found out anew."


@dataclass(frozen=True, order=True)
class Problem:
    """Something that is wrong.

    Attributes:
        where: key of the object.
        what: what is wrong with it, as the rest of a sentence.
        remedy: what to do, as sentences.
    """

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where} {self.what}. {self.remedy}"


class StoredFile(NamedTuple):
    """A file as a manifest names it."""

    key: str
    entry: FileEntry
    manifest: str
    """Key of the manifest."""
    remedy: str


class Move(NamedTuple):
    """A numbered object of a ref."""

    key: str
    needs_run: bool
    """Whether the run that it points to must be there."""
    needs_end: bool
    """Whether that run must have ended."""


class StoreChecks:
    """Checks of what a store holds: each says what is wrong now, and may run beside others.

    Nothing is wrong with what is no longer there, unless something refers to it.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._ledger = Ledger(backend)
        self._artifacts = tuple(list_artifacts(backend))
        self.written = {found.ref for found in self._artifacts if found.manifest}
        """The artifacts that have a manifest."""
        self.manifests: dict[ArtifactRef, Manifest] = {}
        """Those that `check_manifest` could read, and that do not contradict themselves."""
        self.checkpoints = tuple(list_checkpoints(backend))
        self._checkpoint_manifests: dict[str, CheckpointManifest] = {}
        """Those that `check_checkpoint` could read, by their keys."""

    def check_manifest(self, ref: ArtifactRef) -> list[Problem]:
        """Whether it can be read, names what its key and its folder are digests of, and its parents are there."""
        key = manifest_key(ref)
        problems: list[Problem] = []
        with _noting(problems, key, MAKE_ANEW):
            manifest = self._ledger.get(ref).manifest
            problems += [Problem(key, what, MAKE_ANEW) for what in contradictions(manifest, ref)]
            if not problems:
                self.manifests[ref] = manifest
            lost = [parent for parent in parents(manifest) if not self._is_there(manifest_key(parent))]
            problems += [Problem(key, f"was made from {parent}, which is lost", MAKE_LOST) for parent in lost]
        return problems

    def check_checkpoint(self, found: CheckpointObjects) -> list[Problem]:
        """Whether its manifest can be read, if it has one."""
        key = checkpoint_key(found.ref, found.number)
        problems: list[Problem] = []
        with _noting(problems, key, FORGET_CHECKPOINT):
            self._checkpoint_manifests[key] = read_checkpoint(self._backend, found.ref, found.number)
        return problems

    def files(self) -> Iterator[StoredFile]:
        """Every file that the manifests of artifacts and checkpoints name."""
        for ref, manifest in self.manifests.items():
            for name, entry in manifest.files.items():
                yield StoredFile(f"steps/{ref}/{manifest.folder}/{name}", entry, manifest_key(ref), MAKE_ANEW)
        for key, checkpoint in self._checkpoint_manifests.items():
            remedy = f"Delete {key}: {GO_ON}"
            for name, entry in checkpoint.files.items():
                yield StoredFile(f"{key.removesuffix('.json')}/{checkpoint.folder}/{name}", entry, key, remedy)

    def check_file(self, file: StoredFile) -> list[Problem]:
        """Whether it is there, with the bytes that its manifest names."""
        problems: list[Problem] = []
        with _noting(problems, file.key, file.remedy):
            what = self._difference(file)
            problems += [Problem(file.key, what, file.remedy)] if what else []
        return problems

    def _difference(self, file: StoredFile) -> str | None:
        try:
            found = self._backend.describe(file.key)
        except NotInStoreError:
            return "is lost" if self._is_there(file.manifest) else None
        if found.size != file.entry.size:
            return f"is damaged: it has {found.size} bytes, and its manifest names {file.entry.size}"
        return None if found == file.entry else "is damaged: its bytes are not those that its manifest names"

    def check_run(self, key: str) -> list[Problem]:
        """Whether the start or the end of a run can be read, and the artifacts that it names are there."""
        problems: list[Problem] = []
        with _noting(problems, key, FORGET_RUN):
            content = self._backend.read(key)
            if key.endswith("/start.json"):
                RunStart.model_validate_json(content)
            else:
                artifacts = RunManifest.model_validate_json(content).artifacts.items()
                lost = [f"{name}, {ref}" for name, ref in artifacts if not self._is_there(manifest_key(ref))]
                problems += [Problem(key, f"names {what}, which is lost", MAKE_LOST) for what in lost]
        return problems

    def check_move(self, move: Move) -> list[Problem]:
        """Whether it can be read, and its run is there, if it has to be."""
        problems: list[Problem] = []
        with _noting(problems, move.key, ROLL_BACK):
            ref = read_move(self._backend, move.key)
            kept = [found.key for found in self._backend.list(f"runs/{ref.run}/")]
            if move.needs_run and not kept:
                problems.append(Problem(move.key, f"points to the run {ref.run}, which is lost", ROLL_BACK))
            elif move.needs_end and f"runs/{ref.run}/manifest.json" not in kept:
                problems.append(Problem(move.key, f"points to the run {ref.run}, whose end is lost", ROLL_BACK))
        return problems

    def check_code(self, digest: str) -> list[Problem]:
        """Whether the record of the code with that digest can be read."""
        problems: list[Problem] = []
        with _noting(problems, f"code/{digest}.json", FORGET_CODE):
            read_code(self._backend, digest)
        return problems

    def check_part(self, key: str) -> list[Problem]:
        """Whether a part of what a step remembers has the bytes that its name tells."""
        problems: list[Problem] = []
        with _noting(problems, key, FORGET_PART):
            read_part(self._backend, key)
        return problems

    def orphans(self) -> Iterator[StoredObject]:
        """Files that no manifest names; of a damaged one nobody knows what it names."""
        for found in self._artifacts:
            if not found.manifest:
                yield from found.files
            elif manifest := self.manifests.get(found.ref):
                yield from found.outside(manifest.folder)
        for checkpoint in self.checkpoints:
            yield from self._unneeded(checkpoint)

    def _unneeded(self, found: CheckpointObjects) -> tuple[StoredObject, ...]:
        """All of a checkpoint whose artifact is made, and of others the files that their manifests do not name."""
        if not found.manifest:
            return found.files
        if found.ref in self.written:
            return (found.manifest, *found.files)
        manifest = self._checkpoint_manifests.get(checkpoint_key(found.ref, found.number))
        return found.outside(manifest.folder) if manifest else ()

    def _is_there(self, manifest: str) -> bool:
        """Whether the manifest is there, which may have been written or deleted meanwhile."""
        try:
            self._backend.read(manifest)
        except NotInStoreError:
            return False
        except CorruptFileError:
            pass  # a problem of its own
        return True


@contextmanager
def _noting(problems: list[Problem], key: str, remedy: str) -> Iterator[None]:
    """Note what keeps the block from reading an object; nothing, if the object is no longer there.

    Raises:
        StoreError: it is not the object that is wrong, but the store or the way there.
    """
    try:
        yield
    except NotInStoreError:
        return
    except (CorruptFileError, ValidationError):
        problems.append(Problem(key, "is damaged, or of another version of Foldline", remedy))
    except StoreError:
        raise
    except OSError as error:
        problems.append(Problem(key, f"cannot be read ({error.strerror})", remedy))
