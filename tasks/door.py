"""What the doors of all steps share: how an artifact becomes the state of a Prefect task."""

from typing import cast

from prefect.states import Completed

from tasks.store import Artifact, ArtifactRef

REUSED = "Reused"
"""Name of the state of a task that found its artifact in the store and computed nothing."""


def as_state(artifact: Artifact) -> ArtifactRef:
    """What a door returns for `artifact`: a completed state, whose name says whether any work was done.

    Whoever calls the task gets the reference, as Prefect unwraps a state that a task returns; hence the type.
    """
    name = REUSED if artifact.reused else "Completed"
    return cast("ArtifactRef", Completed(name=name, message=str(artifact.ref), data=artifact.ref))
