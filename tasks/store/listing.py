"""What a store's listings say of its artifacts, checkpoints and refs."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from pydantic import ValidationError

from tasks.errors import CorruptFileError, NotInStoreError
from tasks.store.backend import Backend, StoredObject
from tasks.store.keys import step_key
from tasks.store.manifest import ArtifactRef, Manifest, content_folder
from tasks.store.refs import Ref

IN_ARTIFACT = re.compile(r"steps/([^/]+)/([0-9a-f]{64})/(?:manifest\.json|[0-9a-f]{12}/.+)")
"""Key of an object that belongs to an artifact; what else lies below ``steps/`` is not ours."""
IN_CHECKPOINT = re.compile(r"checkpoints/([^/]+)/([0-9a-f]{64})/(\d{6,})(\.json|/[0-9a-f]{12}/.+)")
ARTIFACT = re.compile(r"([^/]+)/([0-9a-f]{64})")
"""An input that is an artifact, and not a digest or a number."""
MOVE = re.compile(r"refs/([^/]+)/(\d{6,})\.json")
RUN = re.compile(r"runs/([^/]+)/(?:start|manifest)\.json")
PROBE = re.compile(r"probe/[0-9a-f]{32}")
CODE = re.compile(r"code/([0-9a-f]{64})\.json")
MEMORY = re.compile(r"memory/([0-9a-f]{64})/[0-9a-f]{16}/([0-9a-f]{64})\.parquet")


@dataclass(frozen=True)
class Objects:
    """A manifest, and the files that it may name."""

    ref: ArtifactRef
    manifest: StoredObject | None
    """None if no manifest was written, or it is gone: then what it stands for does not exist."""
    files: tuple[StoredObject, ...]

    @property
    def size(self) -> int:
        """Bytes of all its objects."""
        return sum(found.size for found in self.files) + (self.manifest.size if self.manifest else 0)


class ArtifactObjects(Objects):
    """What lies below ``steps/<step>/<key>/``."""

    def outside(self, folder: str) -> tuple[StoredObject, ...]:
        """Files in other content folders: left by writers who lost a race or were killed."""
        root = f"steps/{self.ref}/{folder}/"
        return tuple(found for found in self.files if not found.key.startswith(root))


def list_artifacts(backend: Backend) -> Iterator[ArtifactObjects]:
    """Every artifact's objects, by one listing."""
    matches = ((IN_ARTIFACT.fullmatch(found.key), found) for found in backend.list("steps/"))
    ours = ((match[1], match[2], found) for match, found in matches if match)
    for (step, key), group in groupby(ours, lambda entry: entry[:2]):
        objects = {found.key: found for _, _, found in group}
        manifest = objects.pop(f"steps/{step}/{key}/manifest.json", None)
        yield ArtifactObjects(ArtifactRef(step=step, key=key), manifest, tuple(objects.values()))


@dataclass(frozen=True)
class CheckpointObjects(Objects):
    """What belongs to a checkpoint of the artifact `ref`."""

    number: int

    def outside(self, folder: str) -> tuple[StoredObject, ...]:
        """Files in other content folders, as of an artifact."""
        return tuple(found for found in self.files if found.key.split("/")[4] != folder)


def list_checkpoints(backend: Backend, below: str = "") -> Iterator[CheckpointObjects]:
    """The objects of every checkpoint, or of those of an artifact (``step/key/``), by one listing."""
    matches = ((IN_CHECKPOINT.fullmatch(found.key), found) for found in backend.list(f"checkpoints/{below}"))
    ours = ((match.groups(), found) for match, found in matches if match)
    for (step, key, number), group in groupby(ours, lambda entry: entry[0][:3]):
        objects = {groups[3]: found for groups, found in group}
        manifest = objects.pop(".json", None)
        yield CheckpointObjects(ArtifactRef(step=step, key=key), manifest, tuple(objects.values()), int(number))


def list_of_code(backend: Backend) -> Iterator[tuple[str, StoredObject]]:
    """What is there for the sake of code: its record, and what a step remembers; each with the digest of the code."""
    for prefix, pattern in (("code/", CODE), ("memory/", MEMORY)):
        for found in backend.list(prefix):
            if match := pattern.fullmatch(found.key):
                yield match[1], found


def parents(manifest: Manifest) -> tuple[ArtifactRef, ...]:
    """The artifacts that an artifact was made from."""
    matches = map(ARTIFACT.fullmatch, manifest.inputs.values())
    return tuple(ArtifactRef(step=match[1], key=match[2]) for match in matches if match)


def contradictions(manifest: Manifest, ref: ArtifactRef) -> list[str]:
    """What a manifest that lies under the name `ref` says that cannot be true, each as the rest of a sentence."""
    made_from = (manifest.code, manifest.libraries, manifest.inputs, manifest.settings)
    true_ref = ArtifactRef(step=manifest.step, key=step_key(manifest.step, *made_from))
    wrong = {
        "is not of the artifact that it lies with": manifest.ref != ref,
        "has a key that is not the digest of what it names": manifest.ref != true_ref,
        "has a folder that is not the digest of its files": manifest.folder != content_folder(manifest.files),
    }
    return [what for what, is_so in wrong.items() if is_so]


def list_moves(backend: Backend) -> dict[str, list[StoredObject]]:
    """The numbered objects of every ref by its name, the oldest first."""
    moves: defaultdict[str, dict[int, StoredObject]] = defaultdict(dict)
    for found in backend.list("refs/"):
        if match := MOVE.fullmatch(found.key):
            moves[match[1]][int(match[2])] = found
    return {name: [found for _, found in sorted(numbered.items())] for name, numbered in moves.items()}


def read_move(backend: Backend, key: str) -> Ref:
    """A move of a ref.

    Raises:
        NotInStoreError: it is not there.
        CorruptFileError: it cannot be read.
    """
    try:
        return Ref.model_validate_json(backend.read(key))
    except (ValidationError, CorruptFileError) as error:
        raise CorruptFileError(f"{backend.url}/{key} is damaged. Delete it: the one before it counts then.") from error


def see_that_it_is_a_store(backend: Backend) -> None:
    """Raise NotInStoreError where nothing was ever run: somebody who keeps house has mistyped the place."""
    if not any(backend.list("runs/")) and not any(backend.list("steps/")):
        raise NotInStoreError(f"There is no store in {backend.url}: nothing was ever run there. Is it the right place?")
