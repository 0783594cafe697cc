"""`crop-faces`: find the faces of a data folder and crop them, ahead of any training."""

from prefect import flow

from flows.catalog import keep_catalog
from flows.experiments import experiment_name, resolve_experiment
from flows.params import CropParams, Detector
from flows.places import open_places
from flows.recording import keep, shown_run
from tasks.faces.settings import FacesSettings
from tasks.faces.task import faces_task
from tasks.prepare.task import prepare_task
from tasks.report.task import report_faces_task
from tasks.store import open_ledger


@flow(name="crop-faces", flow_run_name="crop-faces-{params.experiment}")
def crop_faces(params: CropParams) -> str:
    """Find the face in every photo, make the crops that training reads, and a page of faces. Returns the run's name."""
    experiment = resolve_experiment(params.experiment, params.overrides)
    faces = searched_by(params.detector, experiment.faces)
    open_places(params)
    ledger = open_ledger()
    name = experiment_name(params.experiment)
    settings = experiment.model_copy(update={"faces": faces}).model_dump(mode="json", include={"faces", "prepare"})
    with shown_run(ledger.backend, "crop-faces", name, settings, params.data) as run:
        catalog = keep_catalog(run, params)
        boxes = keep(run, "faces", faces_task(params.data, catalog, faces, return_state=True))
        keep(run, "prepare", prepare_task(params.data, catalog, boxes, experiment.prepare, return_state=True))
        keep(run, "report", report_faces_task(params.data, catalog, boxes, name, return_state=True))
    return run.start.run


def searched_by(detector: Detector | None, settings: FacesSettings) -> FacesSettings:
    """An experiment's settings with that detector alone; as they are, if none is named."""
    if detector is None:
        return settings
    if detector == "centre":
        return settings.model_copy(update={"crop": "centre"})
    return settings.model_copy(update={"crop": "face", "detectors": (detector,)})
