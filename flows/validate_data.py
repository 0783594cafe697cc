"""`validate-data`: look at a data folder before anything is spent on it."""

from functools import partial

from prefect import flow

from flows.catalog import keep_catalog
from flows.experiments import experiment_name, resolve_experiment
from flows.params import ValidateParams
from flows.places import open_places
from flows.recording import keep, shown_run
from flows.validation import Validator, find_reference
from tasks.errors import StoreUnavailableError
from tasks.faces.task import faces_task
from tasks.folds.task import folds_task
from tasks.patience import patiently
from tasks.store import open_ledger
from tasks.validate.settings import SUITES

BEFORE_FACES = (*SUITES["data"], *SUITES["drift"])
"""Suites for which nothing but the catalog has to be made."""


@flow(name="validate-data", flow_run_name="validate-{params.experiment}")
def validate_data(params: ValidateParams) -> str:
    """Look at every photo and label, and at what else is asked for. Fails if a gate stops it. Returns the run's name.

    Raises:
        ConfigError: an experiment, or what the data is compared with, is wrong.
        DataError: the data folder cannot be used.
        GateError: an expectation failed that is severe enough.
    """
    experiment = resolve_experiment(params.experiment, params.overrides)
    open_places(params)
    ledger = open_ledger()
    name = experiment_name(params.experiment)
    usual = tuple(suite for suite in experiment.validation.suites if suite in BEFORE_FACES)
    wanted = experiment.validation.model_copy(update={"suites": params.suites or usual})
    reference = patiently(partial(find_reference, params.against, params.data, ledger.backend), StoreUnavailableError)
    settings = wanted.model_dump(mode="json")
    with shown_run(ledger.backend, "validate-data", name, {"validation": settings}, params.data) as run:
        catalog = keep_catalog(run, params)
        validator = Validator(run, params.data, catalog, wanted)
        validator.data()
        validator.drift(reference)
        if wanted.suites_of("faces"):
            validator.faces(keep(run, "faces", faces_task(params.data, catalog, experiment.faces, return_state=True)))
        if wanted.suites_of("folds"):
            validator.folds(keep(run, "folds", folds_task(catalog, experiment.folds, return_state=True)))
    return run.start.run
