"""The doors of the faces step."""

from collections.abc import Generator, Sequence

from prefect.artifacts import create_table_artifact

from tasks.data_folder import DataFolder, absolute, open_data
from tasks.door import as_state, reporting_to_prefect, step_task
from tasks.faces.search import Chunk, Searched, search_photos
from tasks.faces.settings import DetectorName, FacesSettings
from tasks.faces.step import find_boxes
from tasks.fan_out import fan_out
from tasks.store import ArtifactRef, open_ledger


@step_task(name="faces")
def faces_task(data: str, catalog: ArtifactRef, settings: FacesSettings) -> ArtifactRef:
    """Find the face on every photo of the catalog; who finds none gets the default box."""
    ledger = open_ledger()
    with reporting_to_prefect("faces-progress"):
        artifact = find_boxes(ledger, open_data(data), ledger.get(catalog), settings, _spread)
    counts = artifact.manifest.summary["photos_by_source"]
    if isinstance(counts, dict):
        rows = [{"source": name, "photos": count} for name, count in counts.items()]
        create_table_artifact(rows, key="faces", description="Who found the box of how many photos")
    return as_state(artifact)


def _spread(
    data: DataFolder, chunks: Sequence[Chunk], detectors: Sequence[DetectorName]
) -> Generator[Searched, None, None]:
    calls = ({"data": absolute(data.url), "photos": chunk, "detectors": detectors} for chunk in chunks)
    return fan_out(search_task, calls, data.threads)


@step_task(name="search-faces")
def search_task(data: str, photos: Chunk, detectors: Sequence[DetectorName]) -> Searched:
    """Search some photos, wherever this task runs."""
    return search_photos(open_data(data), photos, detectors)
