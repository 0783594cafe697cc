"""The doors of the submission step: one makes a submission, one checks it once more."""

from prefect.artifacts import create_markdown_artifact

from tasks.door import as_state, step_task
from tasks.store import ArtifactRef, open_ledger
from tasks.submission.step import check_again, make_submission


@step_task(name="submission")
def submission_task(catalog: ArtifactRef, ensemble: ArtifactRef) -> ArtifactRef:
    """Write the submission from the ensemble's probabilities, and check it as the competition would."""
    ledger = open_ledger()
    artifact = make_submission(ledger, ledger.get(catalog), ledger.get(ensemble))
    where = f"`{artifact.url('submission.csv')}`"
    create_markdown_artifact(where, key="submission", description="The checked submission")
    return as_state(artifact)


@step_task(name="check-submission")
def check_submission_task(catalog: ArtifactRef, submission: ArtifactRef) -> None:
    """Read the submission from the store, and check it once more."""
    ledger = open_ledger()
    check_again(ledger.get(catalog), ledger.get(submission))
