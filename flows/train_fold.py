"""`train-fold`: one fold, what GPU workers run."""

from typing import cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.heeding import heeding_server
from flows.sick_device import report_sick_device
from tasks.errors import DeviceError
from tasks.store import ArtifactRef
from tasks.training.settings import TrainingSettings
from tasks.training.task import training_task

SICK_DEVICE = "Sick device"
"""Name of the state of a run whose GPU computes wrongly: another worker may do better."""


def _report_sick_device(flow: object, flow_run: object, state: State[object]) -> None:
    """Once the server knows: the note ends this worker."""
    del flow, flow_run
    if state.name == SICK_DEVICE:
        report_sick_device(state.message or "")


@flow(name="train-fold", flow_run_name="train-fold-{fold}", on_failure=[_report_sick_device])
def train_fold(
    catalog: ArtifactRef, crops: ArtifactRef, folds: ArtifactRef, fold: int, settings: TrainingSettings
) -> ArtifactRef:
    """Train the model that has not seen the photos of `fold`.

    Args:
        catalog: the catalog's artifact.
        crops: the crops' artifact.
        folds: the folds' artifact.
        fold: which fold is held out, from 0.
        settings: how to train.
    """
    with heeding_server():
        training = training_task(catalog, crops, folds, fold, settings, return_state=True)
    error = training.result(raise_on_failure=False)
    if isinstance(error, DeviceError):
        return cast("ArtifactRef", Failed(name=SICK_DEVICE, message=str(error), data=error))
    # This run too is named Reused if nothing was trained; whoever calls it gets the reference.
    return cast("ArtifactRef", Completed(name=training.name, message=training.message, data=training.result()))
