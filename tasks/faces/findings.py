"""What is found on the photos of a catalog: remembered if they were searched before, or else searched in chunks."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing

import pandas as pd

from tasks.data_folder import DataFolder
from tasks.errors import fault, raise_faults
from tasks.faces.search import Chunk, PhotoToSearch, Searched, search_photos
from tasks.faces.settings import DetectorName
from tasks.progress import progress, say
from tasks.store.memory import Memory

SMALLEST_CHUNK, LARGEST_CHUNK = 32, 256
"""Photos that are searched, and then remembered, at once: enough to be worth the way, and seconds of a core at most."""
CHUNKS_EACH = 4
"""Chunks for each thread, if there are photos enough: so that none waits long for the others at the end."""

Search = Callable[[DataFolder, Sequence[Chunk], Sequence[DetectorName]], Generator[Searched, None, None]]
"""Searches chunks of photos, and gives what it found in each, as soon as it has, until it is closed."""


def search_in_threads(
    data: DataFolder, chunks: Sequence[Chunk], detectors: Sequence[DetectorName]
) -> Generator[Searched, None, None]:
    """Search in threads of this process: decoding and RetinaFace let others have the interpreter."""
    with ThreadPoolExecutor(data.threads) as pool:
        searches = [pool.submit(search_photos, data, chunk, detectors) for chunk in chunks]
        try:
            yield from (done.result() for done in as_completed(searches))
        finally:
            pool.shutdown(cancel_futures=True)


def find_faces(
    memory: Memory, data: DataFolder, photos: pd.DataFrame, detectors: Sequence[DetectorName], search: Search
) -> pd.DataFrame:
    """Rows of FINDINGS for the photos of a catalog, in their order; each chunk is remembered as soon as it is searched.

    Raises:
        DataError: photos cannot be read, or are not those of the catalog.
    """
    known = memory.recall()
    searchable = photos[list(PhotoToSearch._fields)]
    new = searchable[~photos["sha256"].isin(known["sha256"])].drop_duplicates("sha256")
    if len(known) and len(new) < len(photos):
        say(f"{len(photos) - len(new)} of {len(photos)} photos were searched before.")
    chunks = chunks_of(new, data.threads)
    found, unreadable = [known], list[str]()
    if chunks:
        # Closed, the search begins no chunk more, whatever has happened to this one.
        with progress("Finding faces", len(new)) as advance, closing(search(data, chunks, detectors)) as results:
            for searched in results:
                memory.remember(searched.findings)
                found.append(searched.findings)
                unreadable += searched.unreadable
                advance(len(searched.findings) + len(searched.unreadable))
    raise_faults(
        fault(
            "photos cannot be searched",
            [reason.rstrip(".") for reason in sorted(unreadable)],
            "What was found on the others is remembered.",
        ),
        f"Faces cannot be found on the photos of {data.url}",
    )
    every = pd.concat(found, ignore_index=True)
    return every.take(pd.Index(every["sha256"]).get_indexer(photos["sha256"])).reset_index(drop=True)


def chunks_of(photos: pd.DataFrame, threads: int) -> list[Chunk]:
    """The photos in chunks that keep so many threads busy."""
    size = min(max(len(photos) // (threads * CHUNKS_EACH), SMALLEST_CHUNK), LARGEST_CHUNK, -(-len(photos) // threads))
    return [photos.iloc[first : first + size] for first in range(0, len(photos), max(size, 1))]
