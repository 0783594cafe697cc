"""The typed parameters: what the command line, the environment, an experiment file and the Prefect form can say."""

from typing import Annotated, Any, Literal

from cyclopts import Parameter
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from flows.champion import CHAMPION
from flows.shipped import shipped_experiments
from tasks.corrections.source import shipped_corrections
from tasks.faces.settings import DetectorName, FacesSettings
from tasks.folds.settings import FoldsSettings
from tasks.prepare.settings import PrepareSettings
from tasks.training.settings import TrainingSettings
from tasks.validate.settings import ValidationSettings

DEFAULT_EXPERIMENT = "laptop"
NO_CREDENTIALS = r"^(?!s3://[^/]*[@:])"
"""What the form refuses to send: parameters are stored, and can be read by everybody who can read the server."""

Change = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[^=]+="})]
"""What the form refuses at once; whether there is such a setting, the run tells."""

Detector = Literal[DetectorName, "centre"]
"""What can find where to crop a photo."""

DataSuite = Literal["labels", "photos", "balance", "drift", "faces", "folds"]
"""Suites that need no model."""


def _offer_experiments(schema: dict[str, Any]) -> None:
    """Let the form offer the experiments that ship with Foldline, and take the path of another."""
    del schema["type"]
    schema["anyOf"] = [
        {"title": "ships with Foldline", "type": "string", "enum": shipped_experiments()},
        {"title": "path of a YAML file", "type": "string", "pattern": r"\.ya?ml$"},
    ]


def _offer_corrections(schema: dict[str, Any]) -> None:
    """Let the form offer the corrections that ship with Foldline, and take the path or URL of others."""
    schema["anyOf"] = [
        {"title": "none", "type": "null"},
        {"title": "ships with Foldline", "type": "string", "enum": shipped_corrections()},
        {"title": "path or URL of a CSV file", "type": "string", "pattern": rf"{NO_CREDENTIALS}.*\.csv$"},
    ]


class Experiment(BaseModel):
    """Everything that decides a run's result, besides the data: one part a step."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    about: str = ""
    """What the experiment is for, in a sentence or two."""
    validation: ValidationSettings = ValidationSettings()
    """What is checked before anything is computed, and what stops the run."""
    faces: FacesSettings = FacesSettings()
    """Which part of every photo is looked at."""
    prepare: PrepareSettings = PrepareSettings()
    """The size of the crops."""
    folds: FoldsSettings = FoldsSettings()
    """How the training photos are split."""
    training: TrainingSettings = TrainingSettings()
    """How the model of a fold is made."""


class DataParams(BaseModel):
    """Which data, looked at how."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    data: str = Field(min_length=1, json_schema_extra={"pattern": NO_CREDENTIALS})
    """Data folder, or `s3://bucket/prefix`: train/train.csv, train/images, eval/info.csv and eval/images below it."""
    corrections: str | None = Field(default=None, json_schema_extra=_offer_corrections)
    """Known label errors to correct: the path or the `s3://` URL of a CSV file, or `competition`, which ships with
    Foldline and fits the real competition's data. The data itself stays as it is."""
    experiment: str = Field(default=DEFAULT_EXPERIMENT, json_schema_extra=_offer_experiments)
    """Name of an experiment that ships with Foldline, or the path of a YAML file of your own."""
    overrides: Annotated[tuple[Change, ...], Parameter(name="--set")] = ()
    """Changes to the experiment, as many as you like, each such as `training.epochs=3` or `folds.count=5`."""


class CheckedParams(DataParams):
    """Which data, looked at how, beside what."""

    against: str = CHAMPION
    """What the data is compared with: `champion`, if its data is from the same place; another run's name or tag; or the
    path of a JSON file with shares, such as the eda.json of a run."""


class RetrainParams(CheckedParams):
    """From a data folder to a checked submission."""

    only_if_new: Literal["if scheduled", "always", "never"] = "if scheduled"
    """When to end as `Skipped - nothing new`: if the newest run with a submission had the same data, settings, code."""
    champion: Literal["if better", "never"] = "if better"
    """Whether the run becomes the champion where it beats the present one, on the same data folder, by macro F1."""


class ValidateParams(CheckedParams):
    """Check a data folder before anything is spent on it."""

    suites: Annotated[tuple[DataSuite, ...], Parameter(name="--suite")] = ()
    """The suites to check: if none is named `labels`, `photos`, `balance` and `drift`, as far as the experiment has
    them. For `faces` the faces are found first."""


class CropParams(DataParams):
    """Find the faces of a data folder and crop them, so that a retrain starts with its folds."""

    detector: Detector | None = None
    """Who finds the faces: `retinaface`, `mtcnn`, or `centre`, which takes the middle of every photo without a search.
    By default those of the experiment, one after the other."""


class EnsembleParams(BaseModel):
    """Blend what several runs on the same data say."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    runs: tuple[str, ...] = Field(min_length=2)
    """Two runs or more: their names, unmistakable parts of them, or tags, as `foldline runs` lists them."""


class SubmitParams(BaseModel):
    """Make a run the champion: the one whose submission is handed in."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    run: str = "latest"
    """Name of the run, an unmistakable part of it, or a tag, as `foldline runs` lists them."""
    approval: bool = True
    """Wait until a person has compared it with the present champion and resumes the run; only on a server."""
