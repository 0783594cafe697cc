"""The typed parameters: what the command line, the environment, an experiment file and the Prefect form can say."""

from typing import Annotated

from cyclopts import Parameter
from pydantic import BaseModel, ConfigDict, Field

from tasks.faces.settings import FacesSettings
from tasks.folds.settings import FoldsSettings
from tasks.prepare.settings import PrepareSettings
from tasks.training.settings import TrainingSettings
from tasks.validate.settings import ValidationSettings

DEFAULT_EXPERIMENT = "laptop"
NO_CREDENTIALS = r"^(?!s3://[^/]*[@:])"
"""What the form refuses to send: parameters are stored, and can be read by everybody who can read the server."""


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
    experiment: str = DEFAULT_EXPERIMENT
    """Name of an experiment that ships with Foldline, or the path of a YAML file of your own."""
    overrides: Annotated[tuple[str, ...], Parameter(name="--set")] = ()
    """Changes to the experiment, such as `training.epochs=3`; may be given more than once."""


class RetrainParams(DataParams):
    """From a data folder to a checked submission."""


class ValidateParams(DataParams):
    """Check a data folder before anything is spent on it."""
