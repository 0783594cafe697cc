"""`validate-data`: look at a data folder before anything is spent on it."""

from prefect import flow

from flows.experiments import experiment_name, resolve_experiment
from flows.params import ValidateParams
from flows.recording import keep, pass_gate, shown_run
from tasks.catalog.task import catalog_task
from tasks.data_folder import open_data
from tasks.store import open_ledger
from tasks.validate.task import validate_task


@flow(name="validate-data", flow_run_name="validate-{params.experiment}")
def validate_data(params: ValidateParams) -> str:
    """Read every photo and check the labels. Fails if the gate stops the data. Returns the name of the run."""
    experiment = resolve_experiment(params.experiment, params.overrides)
    open_data(params.data)  # refuses credentials in a URL before it is noted anywhere
    ledger = open_ledger()
    name = experiment_name(params.experiment)
    settings = experiment.validation.model_dump(mode="json")
    with shown_run(ledger.backend, "validate-data", name, {"validation": settings}, params.data) as run:
        catalog = keep(run, "catalog", catalog_task(params.data, return_state=True))
        validation = keep(run, "validate", validate_task(catalog, experiment.validation, return_state=True))
        pass_gate(validation, experiment.validation.stop_at)
    return run.start.run
