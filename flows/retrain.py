"""`retrain`: the whole chain, from a data folder to a checked submission."""

from functools import partial
from typing import cast

from prefect import flow
from prefect.context import FlowRunContext
from prefect.states import Completed

from flows.catalog import keep_catalog
from flows.champion import crown_if_better
from flows.experiments import experiment_name, resolve_experiment
from flows.fold_runs import FoldCall, train_folds
from flows.heeding import heeding_server
from flows.params import RetrainParams
from flows.places import open_places
from flows.plan import nothing_new
from flows.recording import announce, keep, note_scores, shown_run
from flows.validation import Validator, find_reference
from tasks.ensemble.task import ensemble_task
from tasks.errors import StoreUnavailableError
from tasks.faces.task import faces_task
from tasks.folds.task import folds_task
from tasks.labels.task import labels_task
from tasks.patience import patiently
from tasks.prepare.task import prepare_task
from tasks.report.task import report_task
from tasks.store import open_ledger
from tasks.store.runs import advance_latest
from tasks.submission.task import submission_task
from tasks.validate.settings import ARTIFACTS

SKIPPED = "Skipped - nothing new"
"""Name of the state of a run that had nothing to do."""


@flow(name="retrain", flow_run_name="retrain-{params.experiment}")
def retrain(params: RetrainParams) -> str:
    """Check the data, find the faces, train the folds, blend them, and write a checked submission and a report.

    Every step that the store has a result for is reused. Returns the name of the run.
    """
    experiment = resolve_experiment(params.experiment, params.overrides)
    open_places(params)
    ledger = open_ledger()
    name = experiment_name(params.experiment)
    settings = experiment.model_dump(mode="json")
    if _may_skip(params) and patiently(partial(nothing_new, params, ledger.backend), StoreUnavailableError):
        return cast("str", Completed(name=SKIPPED, message="The newest run has made all of this.", data=""))
    reference = patiently(partial(find_reference, params.against, params.data, ledger.backend), StoreUnavailableError)
    with heeding_server(), shown_run(ledger.backend, "retrain", name, settings, params.data) as run:
        catalog = keep_catalog(run, params)
        validator = Validator(run, params.data, catalog, experiment.validation)
        validator.data()
        validator.drift(reference)
        boxes = keep(run, "faces", faces_task(params.data, catalog, experiment.faces, return_state=True))
        validator.faces(boxes)
        crops = keep(run, "prepare", prepare_task(params.data, catalog, boxes, experiment.prepare, return_state=True))
        folds = keep(run, "folds", folds_task(catalog, experiment.folds, return_state=True))
        validator.folds(folds)
        calls = [FoldCall(catalog, crops, folds, fold, experiment.training) for fold in range(experiment.folds.models)]
        models = {fold: keep(run, f"fold-{fold}", model) for fold, model in train_folds(calls)}
        in_order = [models[fold] for fold in sorted(models)]
        ensemble = keep(run, "ensemble", ensemble_task(catalog, folds, in_order, return_state=True))
        keep(run, "labels", labels_task(catalog, ensemble, return_state=True))
        validator.submission(keep(run, "submission", submission_task(catalog, ensemble, return_state=True)))
        reported = {label: ref for label, ref in run.artifacts.items() if label != ARTIFACTS["drift"]}
        keep(run, "report", report_task(params.data, reported, name, return_state=True))
        note_scores(run, ensemble)
    if params.champion == "if better":
        announce(crown_if_better(ledger.backend, run.start.run))
    advance_latest(ledger.backend, run.start.run)  # the last thing to do: a run that is the latest lacks nothing
    return run.start.run


def _may_skip(params: RetrainParams) -> bool:
    """Whether this run is not needed if nothing is new.

    A schedule could say so by parameters of its own; but Prefect 3.8.8 forgets these when a person turns it on.
    """
    context = FlowRunContext.get()
    scheduled = bool(context and context.flow_run and context.flow_run.auto_scheduled)
    return params.only_if_new == "always" or (params.only_if_new == "if scheduled" and scheduled)
