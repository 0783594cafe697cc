"""What the doors of all steps share: how an artifact becomes the state of a Prefect task."""

from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.store import Artifact, ArtifactRef

REUSED = "Reused"
"""Name of the state of a task that found its artifact in the store and computed nothing."""


def as_state(artifact: Artifact) -> State[ArtifactRef]:
    """The completed state of a task that returns `artifact`: a task that did no work says so."""
    name = REUSED if artifact.reused else "Completed"
    return Completed(name=name, message=str(artifact.ref), data=artifact.ref)
