"""Which files of a run a person means."""

from typing import NamedTuple

from flows.cli.history import Artifacts, artifacts_of
from tasks.errors import NotInStoreError
from tasks.store import Artifact, open_ledger
from tasks.store.manifest import FileEntry
from tasks.store.runs import find_ended

FILE_HELP = "a file's name, such as `submission.csv` or `fold-0/history.parquet`"


class RunFile(NamedTuple):
    """A file of one of a run's artifacts."""

    artifact: Artifact
    name: str

    @property
    def entry(self) -> FileEntry:
        """Its digest and size."""
        return self.artifact.manifest.files[self.name]


class Selection(NamedTuple):
    """What a person has asked for: a file, a folder in an artifact, or a whole artifact."""

    place: str
    """``artifact/file``, ``artifact/folder`` or ``artifact``."""
    files: dict[str, RunFile]
    """All that lies there, by ``artifact/file``."""


class RunFiles:
    """The files of a run, as a person names them."""

    def __init__(self, run: str, artifacts: Artifacts) -> None:
        self.run = run
        self.lost = {label: why for label, why in artifacts.items() if isinstance(why, str)}
        """Why artifacts cannot be had, by their names."""
        self.files = {
            f"{label}/{name}": RunFile(artifact, name)
            for label, artifact in artifacts.items()
            if isinstance(artifact, Artifact)
            for name in artifact.manifest.files
        }

    def select(self, wanted: str) -> Selection:
        """What is meant by a file's name, ``artifact/file``, ``artifact``, or ``artifact/folder``.

        Raises:
            NotInStoreError: the run has no such file, or several.
        """
        place = wanted.rstrip("/")
        inside = {path: file for path, file in self.files.items() if path.startswith(f"{place}/")}
        if inside and place not in self.files:
            return Selection(place, inside)
        path = self._path(place)
        return Selection(path, {path: self.files[path]})

    def find(self, wanted: str) -> RunFile:
        """The one file that is meant by its name or ``artifact/file``.

        Raises:
            NotInStoreError: the run has no such file, or several.
        """
        place, files = self.select(wanted)
        if place not in files:
            raise NotInStoreError(f"{place} is a folder of {len(files)} files, such as {min(files)}. Name one of them.")
        return files[place]

    def _path(self, wanted: str) -> str:
        """The path of the only file with that name."""
        matches = [wanted] if wanted in self.files else [path for path in self.files if path.endswith(f"/{wanted}")]
        if len(matches) == 1:
            return matches[0]
        what = f"{len(matches)} files, such as {matches[0]}" if matches else "no file"
        lost = [f" {label} can no longer be read: {why}" for label, why in self.lost.items()]
        raise NotInStoreError(
            f"{wanted!r} means {what} of run {self.run}. `foldline ls {self.run}` lists its files.{''.join(lost)}"
        )


def open_run(wanted: str) -> RunFiles:
    """The files of the run that a person means, in the store that the environment names.

    Raises:
        NotInStoreError: there is no such run, or it has not ended.
    """
    ledger = open_ledger()
    run = find_ended(ledger.backend, wanted)
    return RunFiles(run.run, artifacts_of(ledger, run))
