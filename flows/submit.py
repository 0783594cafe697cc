"""`submit`: make a run the champion, once a person has approved it."""

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.flow_runs import suspend_flow_run

from flows.champion import crown, present_champion
from flows.params import SubmitParams
from flows.recording import announce
from tasks.errors import NotInStoreError
from tasks.store import open_ledger
from tasks.store.runs import RunManifest, find_ended
from tasks.submission.task import check_submission_task

APPROVAL_WITHIN = 7 * 24 * 3600
"""Seconds that a person has to approve; after that the run fails."""


@flow(name="submit", flow_run_name="submit-{params.run}")
def submit(params: SubmitParams) -> str:
    """Check a run's submission once more, wait for approval, and make the run the champion. Returns the run's name.

    Raises:
        NotInStoreError: there is no such run, or it has made no submission, or no score.
        CorruptFileError: the submission is not as it was written.
        DataError: the submission must not be sent.
    """
    ledger = open_ledger()
    run = find_ended(ledger.backend, params.run)
    if run.state != "completed" or "submission" not in run.artifacts:
        raise NotInStoreError(f"The run {run.run} has made no submission. `foldline runs` lists those with a score.")
    check_submission_task(run.artifacts["catalog"], run.artifacts["submission"])
    _show(run, present_champion(ledger.backend))
    if params.approval:
        # The key says what is approved: if `latest` has moved on when a person resumes, that one is shown first.
        suspend_flow_run(timeout=APPROVAL_WITHIN, key=run.run)
    announce(crown(ledger.backend, run.run))
    return run.run


def _show(run: RunManifest, champion: RunManifest | None) -> None:
    """Show the person who is to approve what would take whose place."""
    rows = [
        {
            "": role,
            "run": shown.run,
            "data": shown.data,
            **{name: f"{value:.4f}" for name, value in shown.scores.items()},
        }
        for role, shown in (("to approve", run), ("champion", champion))
        if shown
    ]
    create_table_artifact(rows, key="approval", description="Resume the run to make the first the champion")
