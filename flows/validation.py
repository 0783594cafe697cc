"""What the flows validate, and beside what."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prefect.client.schemas.objects import State
from pydantic import TypeAdapter

from flows.champion import CHAMPION, present_champion
from flows.recording import keep_valid
from tasks.classes import AGE_GROUPS, CLASS_COUNT, GENDERS, STATES
from tasks.data_folder import same_place
from tasks.errors import ConfigError, CorruptFileError, Fault, NotInStoreError, fault, raise_faults
from tasks.progress import say
from tasks.store import ArtifactRef, Backend, Ledger
from tasks.store.runs import Run, RunManifest, find_ended
from tasks.validate.settings import ARTIFACTS, Subject, ValidationSettings
from tasks.validate.tables import Shares
from tasks.validate.task import (
    validate_data_task,
    validate_drift_task,
    validate_faces_task,
    validate_folds_task,
    validate_submission_task,
)

LIKE_THIS = "`foldline get RUN catalog/eda.json` gets a file with the shares of a run's data."
VALUES: dict[str, Sequence[str]] = {
    "class": [str(number) for number in range(CLASS_COUNT)],
    "mask": STATES,
    "gender": GENDERS,
    "age_group": AGE_GROUPS,
}
"""Figures of which a file may tell shares, and their values."""
ROUNDING = 0.01
"""By how much the sum of shares may differ from 1."""
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
        if "drift" not in self.settings.suites:
            return
        if reference is None:
            say("Drift: there is no champion whose data is from the same place, so nothing to compare with.")
        elif reference == self.catalog:
            say("Drift: the data is the very data that it is compared with.")
        else:
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
        return _catalog_of(champion, backend) if champion and same_place(champion.data, data) else None
    run = find_ended(backend, against)
    if "catalog" not in run.artifacts:
        raise NotInStoreError(f"Run {run.run} has no catalog to compare with. `foldline runs` lists others.")
    return run.artifacts["catalog"]


def _catalog_of(champion: RunManifest, backend: Backend) -> ArtifactRef | None:
    """Its catalog; None if that is lost, which is no reason to stop: nothing but a comparison hangs on it."""
    ref = champion.artifacts.get("catalog")
    try:
        return Ledger(backend).get(ref).ref if ref else None
    except (NotInStoreError, CorruptFileError) as error:
        say(f"The champion's data cannot be compared with: {error}")
        return None


def read_shares(path: Path) -> Shares:
    """The shares that a file tells. Raises ConfigError."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        shares = _FIGURES.validate_python({figure: told[figure] for figure in VALUES if figure in told})
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} tells no shares: {error}. {LIKE_THIS}") from error
    if not shares:
        raise ConfigError(f"{path} has none of {', '.join(VALUES)}. {LIKE_THIS}")
    raise_faults(
        tuple(
            wrong
            for figure, known in VALUES.items()
            if figure in shares
            for wrong in _faults_of_shares(figure, shares[figure], known)
        ),
        f"{path} tells no shares",
        ConfigError,
    )
    return shares


def _faults_of_shares(figure: str, shares: Mapping[str, float], known: Sequence[str]) -> tuple[Fault, ...]:
    total = sum(shares.values())
    return (
        *fault(f"values of {figure} do not exist", sorted(shares.keys() - set(known)), f"They are {', '.join(known)}."),
        *fault(
            f"shares of {figure} are not between 0 and 1",
            [f"{value} ({share})" for value, share in shares.items() if not 0 <= share <= 1],
            "Write 25 % as 0.25.",
        ),
        *fault(
            f"sums of {figure} are not 1",
            [f"{total:g}"] if abs(total - 1) > ROUNDING else [],
            "Give every value that occurs.",
        ),
    )
