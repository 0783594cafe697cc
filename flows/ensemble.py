"""`ensemble`: one submission from what several runs say."""

from collections.abc import Sequence

from prefect import flow
from pydantic import JsonValue

from flows.params import EnsembleParams
from flows.recording import keep, note_scores, shown_run
from flows.validation import Validator
from tasks.ensemble.task import ensembles_task
from tasks.errors import fault, raise_faults
from tasks.labels.task import labels_task
from tasks.store import ArtifactRef, open_ledger
from tasks.store.runs import RunManifest, advance_latest, find_ended
from tasks.submission.task import submission_task
from tasks.validate.settings import ValidationSettings


@flow(name="ensemble", flow_run_name="ensemble")
def ensemble(params: EnsembleParams) -> str:
    """Let the ensembles of several runs vote, and write a checked submission. Returns the name of the run.

    Raises:
        DataError: the runs do not share one catalog, or one of them has made no ensemble.
    """
    ledger = open_ledger()
    runs = [find_ended(ledger.backend, name) for name in dict.fromkeys(params.runs)]
    catalog = _common_catalog(runs)
    settings: dict[str, JsonValue] = {"runs": [run.run for run in runs]}
    with shown_run(ledger.backend, "ensemble", "ensemble", settings, runs[0].data) as run:
        run.keep("catalog", catalog, reused=True)
        parts = [part.artifacts["ensemble"] for part in runs]
        blended = keep(run, "ensemble", ensembles_task(catalog, parts, return_state=True))
        keep(run, "labels", labels_task(catalog, blended, return_state=True))
        submission = keep(run, "submission", submission_task(catalog, blended, return_state=True))
        Validator(run, runs[0].data, catalog, ValidationSettings()).submission(submission)
        note_scores(run, blended)
    advance_latest(ledger.backend, run.start.run)
    return run.start.run


def _common_catalog(runs: Sequence[RunManifest]) -> ArtifactRef:
    """The catalog of all of them. Raises DataError."""
    raise_faults(
        fault("runs have made no ensemble", [run.run for run in runs if "ensemble" not in run.artifacts], _CHOOSE),
        "The runs cannot be blended",
    )
    catalog = runs[0].artifacts["catalog"]
    raise_faults(
        fault(
            f"runs have other photos than {runs[0].run}",
            [r.run for r in runs if r.artifacts["catalog"] != catalog],
            _CHOOSE,
        ),
        "The runs cannot be blended",
    )
    return catalog


_CHOOSE = "Choose completed runs of `retrain` on one state of the data: `foldline runs` and `foldline diff` tell."
