"""The door of the submission step."""

from prefect import task
from prefect.artifacts import create_link_artifact

from tasks.door import as_state
from tasks.store import ArtifactRef, open_ledger
from tasks.submission.step import make_submission


@task(name="submission")
def submission_task(catalog: ArtifactRef, ensemble: ArtifactRef) -> ArtifactRef:
    """Write the submission from the ensemble's probabilities, and check it as the competition would."""
    ledger = open_ledger()
    artifact = make_submission(ledger, ledger.get(catalog), ledger.get(ensemble))
    create_link_artifact(
        artifact.url("submission.csv"), "submission.csv", key="submission", description="The checked submission"
    )
    return as_state(artifact)
