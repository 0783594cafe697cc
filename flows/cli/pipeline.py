"""Commands that run flows."""

from collections.abc import Callable
from typing import Annotated

from cyclopts import Parameter

from flows.cli.display import progress_display
from flows.cli.history import artifacts_of, print_run
from flows.cli.options import StoreOptions
from flows.embedded import run_embedded
from flows.experiments import resolve_experiment
from flows.params import CropParams, DataParams, RetrainParams, ValidateParams
from flows.places import open_places
from tasks.progress import say
from tasks.store import open_ledger
from tasks.store.runs import read_run


def validate(
    *,
    params: Annotated[ValidateParams, Parameter(name="*")],
    options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions(),
) -> None:
    """Check a data folder before anything is spent on it; exits 1 if the gate stops it."""

    def flow() -> str:
        from flows.validate_data import validate_data

        return validate_data(params)

    _run(params, flow, options)


def crop(
    *,
    params: Annotated[CropParams, Parameter(name="*")],
    options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions(),
) -> None:
    """Find the face in every photo and crop it, ahead of any training; what was found before is not searched again."""

    def flow() -> str:
        from flows.crop_faces import crop_faces

        return crop_faces(params)

    _run(params, flow, options)


def retrain(
    *,
    params: Annotated[RetrainParams, Parameter(name="*")],
    options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions(),
) -> None:
    """Go from a data folder to a checked submission; what is in the store already is reused."""

    def flow() -> str:
        from flows.retrain import retrain as retrain_flow

        return retrain_flow(params)

    _run(params, flow, options)


def _run(params: DataParams, flow: Callable[[], str], options: StoreOptions) -> None:
    # The flow would tell a typing error, or a store that cannot be written, too; but Prefect's start takes seconds.
    resolve_experiment(params.experiment, params.overrides)
    open_places(params)
    options.choose()
    open_ledger().backend.check()
    with progress_display():
        say("Starting Prefect in this process.")
        name = run_embedded(flow)
        if not name:
            say("Skipped - nothing new: the newest run has made all of this.")
            return
    ledger = open_ledger()
    run = read_run(ledger.backend, name)
    print_run(ledger, run, artifacts_of(ledger, run))
