"""What a retrain would do before it is started: what it would reuse, what it would make, why, and in what time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial

from pydantic import BaseModel

from flows.data_change import (
    Cause,
    DataChange,
    Photo,
    data_change,
    is_data,
    photos_of_catalog,
    photos_of_folder,
)
from flows.experiments import experiment_name, resolve_experiment
from flows.params import DataParams, Experiment
from flows.places import open_places
from tasks.catalog.step import make_catalog
from tasks.corrections.step import make_corrections
from tasks.data_folder import DataFolder
from tasks.ensemble.step import blend_folds
from tasks.errors import CorruptFileError, NotInStoreError
from tasks.faces.step import find_boxes
from tasks.folds.step import make_folds
from tasks.labels.step import find_suspects
from tasks.prepare.step import make_crops
from tasks.report.step import make_report
from tasks.store import Artifact, ArtifactRef, Backend, Ledger, Manifest, Step
from tasks.store.checkpoints import Checkpoints
from tasks.store.code import code_parts
from tasks.store.code_record import read_code
from tasks.store.explain import InputChange, differences, nearest, read_manifests
from tasks.store.ledger import Compute, draft_manifest
from tasks.store.runs import LATEST, find_ended
from tasks.submission.step import make_submission
from tasks.training.step import train_fold
from tasks.validate.settings import ARTIFACTS, Subject
from tasks.validate.step import validate_data, validate_faces, validate_folds, validate_submission


@dataclass(frozen=True)
class PlannedStep:
    """What is to become of an artifact of the run."""

    artifact: Artifact
    """The one in the store, or the draft of one that is to be made."""
    nearest: Manifest | None = None
    """The earlier artifact that differs least from one that is to be made; None if there is none."""
    anew: tuple[str, ...] = ()
    """Inputs that are to be made too."""
    causes: tuple[Cause, ...] = ()
    """What else differs from the nearest; of an input that is in the store, what makes it another one."""
    seconds: float | None = None
    """How long making it may take, as far as earlier ones tell."""


class PlanningLedger(Ledger):
    """Finds what the store has, as any ledger, but makes nothing: a draft stands for an artifact that is not there."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._packages: dict[str, str] = {}
        self._recorded = cache(partial(read_code, backend))

    def produce(
        self,
        step: Step,
        inputs: Mapping[str, Artifact | str],
        settings: BaseModel | None,
        compute: Compute,
        checkpoints: Checkpoints | None = None,
    ) -> Artifact:
        """The artifact from the store, or the draft of one that has its key and no files; checkpoints stay."""
        del compute, checkpoints
        draft = draft_manifest(step, inputs, settings)
        self._packages[draft.code] = step.package
        return self.find(step.name, draft.key) or Artifact(self.backend, draft, reused=False)

    def code_of(self, digest: str) -> Mapping[str, str] | None:
        """The parts of the code with that digest: as it is now, or as it was recorded."""
        package = self._packages.get(digest)
        return code_parts(package) if package else self._recorded(digest)


def plan_retrain(params: DataParams, backend: Backend) -> dict[str, PlannedStep]:
    """What `retrain` would do with these parameters and this store, by the names of its artifacts. Writes nothing.

    Raises:
        ConfigError: an experiment, or where the data or its corrections lie, is wrong.
        DataError: the data folder, or the corrections file, cannot be used. Photos are read, but not decoded.
    """
    experiment = resolve_experiment(params.experiment, params.overrides)
    ledger, data = PlanningLedger(backend), open_places(params)
    artifacts = find_artifacts(ledger, data, experiment, experiment_name(params.experiment), params.corrections)
    planner = _Planner(ledger, data, artifacts)
    return {name: planner.plan(artifact) for name, artifact in artifacts.items()}


def nothing_new(params: DataParams, backend: Backend) -> bool:
    """Whether the newest run with a submission has made all that `retrain` would make. Raises as `plan_retrain`."""
    try:
        newest = find_ended(backend, LATEST)
    except NotInStoreError:
        return False
    experiment = resolve_experiment(params.experiment, params.overrides)
    name = experiment_name(params.experiment)
    artifacts = find_artifacts(PlanningLedger(backend), open_places(params), experiment, name, params.corrections)
    made = {label: ref for label, ref in newest.artifacts.items() if label != ARTIFACTS["drift"]}
    return made == {label: artifact.ref for label, artifact in artifacts.items()}


def find_artifacts(
    ledger: Ledger, data: DataFolder, experiment: Experiment, name: str, corrections: str | None = None
) -> dict[str, Artifact]:
    """The artifacts of a retrain under the names that its run gives them, asked of the steps themselves.

    All but the comparison with earlier data, which depends on other runs, too.
    """
    right = make_corrections(ledger, corrections) if corrections is not None else None
    catalog = make_catalog(ledger, data, right)
    boxes = find_boxes(ledger, data, catalog, experiment.faces)
    crops = make_crops(ledger, data, catalog, boxes, experiment.prepare)
    folds = make_folds(ledger, catalog, experiment.folds)
    models = [
        train_fold(ledger, catalog, crops, folds, fold, experiment.training) for fold in range(experiment.folds.models)
    ]
    ensemble = blend_folds(ledger, catalog, folds, models)
    submission = make_submission(ledger, catalog, ensemble)
    wanted = experiment.validation

    def validated(subject: Subject, validate: Callable[[], Artifact]) -> dict[str, Artifact]:
        return {ARTIFACTS[subject]: validate()} if wanted.suites_of(subject) else {}

    artifacts = {
        **({"corrections": right} if right else {}),
        "catalog": catalog,
        **validated("data", lambda: validate_data(ledger, data, catalog, wanted)),
        "faces": boxes,
        **validated("faces", lambda: validate_faces(ledger, data, catalog, boxes, wanted)),
        "prepare": crops,
        "folds": folds,
        **validated("folds", lambda: validate_folds(ledger, data, catalog, folds, wanted)),
        **{f"fold-{fold}": model for fold, model in enumerate(models)},
        "ensemble": ensemble,
        "labels": find_suspects(ledger, catalog, ensemble),
        "submission": submission,
        **validated("submission", lambda: validate_submission(ledger, catalog, submission, wanted)),
    }
    return {**artifacts, "report": make_report(ledger, data, artifacts, name)}


class _Planner:
    """Compares artifacts that are to be made with earlier ones."""

    def __init__(self, ledger: PlanningLedger, data: DataFolder, artifacts: Mapping[str, Artifact]) -> None:
        self._ledger = ledger
        self._data = data
        self._artifacts = artifacts
        self._anew = {str(artifact.ref) for artifact in artifacts.values() if not artifact.reused}

    def plan(self, artifact: Artifact) -> PlannedStep:
        if artifact.reused:
            return PlannedStep(artifact)
        draft = artifact.manifest
        earlier = self._earlier[draft.step]
        found = nearest(draft, earlier)
        return PlannedStep(
            artifact,
            nearest=found,
            anew=tuple(name for name, value in draft.inputs.items() if value in self._anew),
            causes=tuple(dict.fromkeys(self._causes(found, draft))) if found else (),
            seconds=expected_seconds(draft, earlier),
        )

    @cached_property
    def _earlier(self) -> dict[str, list[Manifest]]:
        """Every manifest that is in the store, by step."""
        steps = {artifact.ref.step for artifact in self._artifacts.values()}
        return {step: read_manifests(self._ledger, step) for step in steps}

    @cached_property
    def _known(self) -> dict[str, Manifest]:
        return {str(manifest.ref): manifest for manifests in self._earlier.values() for manifest in manifests}

    def _causes(self, old: Manifest, new: Manifest) -> Iterator[Cause]:
        """What makes `new` another artifact than `old`, but for inputs that are to be made: these have their own."""
        for change in differences(old, new, self._ledger.code_of):
            if not isinstance(change, InputChange):
                yield change
            elif change.new not in self._anew:
                yield from self._causes_of_input(change, old)

    def _causes_of_input(self, change: InputChange, old: Manifest) -> Iterator[Cause]:
        before, after = self._known.get(change.old or ""), self._known.get(change.new or "")
        if before and after:
            yield from self._causes(before, after)
        elif is_data(change, old):
            yield self._data_change(old.ref) or change
        else:
            yield change

    @cache  # noqa: B019 - a planner lives as long as its plan
    def _data_change(self, catalog: ArtifactRef) -> DataChange | None:
        """How the data differs from what an earlier catalog lists; None if that can no longer be read."""
        try:
            return data_change(photos_of_catalog(self._ledger.get(catalog)), self._photos)
        except (NotInStoreError, CorruptFileError):
            return None

    @cached_property
    def _photos(self) -> dict[str, Photo]:
        catalog = self._artifacts["catalog"]
        return photos_of_catalog(catalog) if catalog.reused else photos_of_folder(self._data)


def expected_seconds(wanted: Manifest, earlier: list[Manifest]) -> float | None:
    """How long the nearest artifact took, one with the same settings if there is one; a training's goes by its epochs.

    None if there is no earlier one.
    """
    same = [manifest for manifest in earlier if manifest.settings == wanted.settings]
    found = nearest(wanted, same or earlier)
    if found is None:
        return None
    before, after = found.settings.get("epochs"), wanted.settings.get("epochs")
    return found.seconds * after / before if isinstance(before, int) and isinstance(after, int) else found.seconds
