"""What the flows validate, and beside what."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from prefect.client.schemas.objects import State
from pydantic import TypeAdapter

from flows.champion import CHAMPION, present_champion
from flows.recording import keep_valid
from tasks.errors import ConfigError, NotInStoreError
from tasks.store import ArtifactRef, Backend
from tasks.store.runs import Run, find_ended
from tasks.validate.settings import ARTIFACTS, Subject, ValidationSettings
from tasks.validate.tables import FIGURES, Shares
from tasks.validate.task import (
    validate_data_task,
    validate_drift_task,
    validate_faces_task,
    validate_folds_task,
    validate_submission_task,
)

LIKE_THIS = "`foldline get RUN catalog/eda.json` gets a file with the shares of a run's data."
_FIGURES = TypeAdapter(dict[str, dict[str, float]])


@dataclass(frozen=True)
class Validator:
    """Validates what a run makes, as far as its settings ask for it. Every method raises GateError if it is too bad."""

    run: Run
    folder: str
    """Where the photos of the catalog lie."""
    catalog: ArtifactRef
    settings: ValidationSettings

    def data(self) -> None:
        """Photos and labels."""
        self._keep("data", lambda: validate_data_task(self.folder, self.catalog, self.settings, return_state=True))

    def drift(self, reference: ArtifactRef | Shares | None) -> None:
        """Photos and labels beside earlier ones, if there are any, and they are others."""
        if reference not in (None, self.catalog):
            self._keep(
                "drift",
                lambda: validate_drift_task(self.folder, self.catalog, reference, self.settings, return_state=True),
            )

    def faces(self, boxes: ArtifactRef) -> None:
        """Boxes."""
        self._keep(
            "faces", lambda: validate_faces_task(self.folder, self.catalog, boxes, self.settings, return_state=True)
        )

    def folds(self, folds: ArtifactRef) -> None:
        """Folds."""
        self._keep(
            "folds", lambda: validate_folds_task(self.folder, self.catalog, folds, self.settings, return_state=True)
        )

    def submission(self, submission: ArtifactRef) -> None:
        """The submission."""
        self._keep(
            "submission", lambda: validate_submission_task(self.catalog, submission, self.settings, return_state=True)
        )

    def _keep(self, subject: Subject, validate: Callable[[], State[ArtifactRef]]) -> None:
        if self.settings.suites_of(subject):
            keep_valid(self.run, ARTIFACTS[subject], validate(), self.settings.stop_at)


def find_reference(against: str, data: str, backend: Backend) -> ArtifactRef | Shares | None:
    """What new data is compared with: the catalog of a run, or the shares that a file tells.

    Args:
        against: `champion`, which is none if there is no champion, or if its data is not from the same place; another
            run's name or tag; or the path of a file like the `eda.json` of a catalog.
        data: where the new data lies.
        backend: the store.

    Raises:
        NotInStoreError: there is no such run, or it has no catalog.
        ConfigError: the file cannot be read, or has no shares.
    """
    if against.endswith(".json"):
        return read_shares(Path(against))
    if against == CHAMPION:
        champion = present_champion(backend)
        return champion.artifacts["catalog"] if champion and champion.data == data else None
    run = find_ended(backend, against)
    if "catalog" not in run.artifacts:
        raise NotInStoreError(f"Run {run.run} has no catalog to compare with. `foldline runs` lists others.")
    return run.artifacts["catalog"]


def read_shares(path: Path) -> Shares:
    """The shares that a file tells. Raises ConfigError."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        shares = _FIGURES.validate_python({figure: told[figure] for figure in FIGURES if figure in told})
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} tells no shares: {error}. {LIKE_THIS}") from error
    if not shares:
        raise ConfigError(f"{path} has none of {', '.join(FIGURES)}. {LIKE_THIS}")
    return shares
