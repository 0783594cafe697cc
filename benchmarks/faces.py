"""Finding faces: photos a second against the seed project's loop and the bare network, agreement, new photos, memory.

    .venv/bin/python benchmarks/faces.py [--data DIR] [--quick]

The photos are those of a data folder, or drawn. The seed's loop is the one of its report: cv2 reads, MTCNN with its
defaults looks at one photo after the other with all cores, RetinaFace where it finds nothing, or else the box is fixed.
Ours is the whole step, from the catalog to the stored boxes, with the networks loaded. The bare network is RetinaFace
on pixels in memory, on one core and on all. How well both agree is told by how far their boxes overlap (intersection
over union), and how far apart their landmarks lie, as a share of the seed's box width. Then one photo of a hundred
changes, and the step is done once more, three times. Memory is what the search of many photos takes more than that of
a thousand, each in a process of its own.
Prints a line a figure, `name value goal ok|short`; exits 1 if one is short.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.catalog.step import make_catalog
from tasks.data_folder.local import LocalFolder
from tasks.faces.detectors import load_detector
from tasks.faces.findings import find_faces, search_in_threads
from tasks.faces.settings import FacesSettings
from tasks.faces.step import STEP, find_boxes
from tasks.sample.draw import draw_sample
from tasks.sample.settings import SampleSettings
from tasks.store import Artifact, Ledger
from tasks.store.folder import FolderBackend
from tasks.store.memory import Memory
from tasks.tables import BOXES, CATALOG, FACE_SIDES, FINDINGS, MARK_COLUMNS

PEOPLE = 400
SEED = 11
LOOKED_AT, QUICK_LOOKED_AT = 700, 150
"""Photos that the seed's loop looks at."""
FORWARDS = 500
"""Photos that the bare network looks at on each core."""
CHANGED, LOOKS = 0.01, 3
"""Share of photos that are new in a second look, and how many such looks there are; the quickest counts."""
FEW, MANY, QUICK_MANY = 1_000, 100_000, 10_000
"""Photos of two searches whose memory is compared."""
GOALS = {"times_the_seed": 10, "share_of_bare_network": 0.5, "median_overlap": 0.85, "masked_found_over_seed": 1.0}
"""Least values."""
LIMITS = {"second_look_share": 0.03, "memory_of_many_mb": 120}
"""Greatest values."""
DETECTORS = FacesSettings().detectors

Figures = dict[str, float]


class Found(NamedTuple):
    """What the seed's loop found on a photo; nothing, where it fixed the box."""

    box: NDArray[Any] | None
    landmarks: NDArray[Any] | None


def main() -> None:
    """Measure, print, and exit 1 if a figure is short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a data folder; people are drawn if there is none")
    parser.add_argument("--quick", action="store_true", help=f"fewer photos, {QUICK_MANY:,} for the memory")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print(peak_of_search(Path(options.peak[0]), int(options.peak[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        if options.data:
            shutil.copytree(options.data, data)
        else:
            draw_sample(data, SampleSettings(people=PEOPLE, eval=1, seed=SEED))
        ledger = Ledger(FolderBackend(Path(folder) / "store"))
        figures = measure(ledger, data, QUICK_LOOKED_AT if options.quick else LOOKED_AT)
        few, many = (peak_elsewhere(data, count) for count in (FEW, QUICK_MANY if options.quick else MANY))
        figures["memory_of_many_mb"] = (many - few) / 1e6
    sys.exit(not report(figures))


def report(figures: Figures) -> bool:
    """Print the figures; returns whether all are as they should be."""
    short = {name for name, goal in GOALS.items() if figures[name] < goal}
    short |= {name for name, limit in LIMITS.items() if figures[name] > limit}
    for name, value in figures.items():
        print(f"{name} {value:.3f} {GOALS.get(name, LIMITS.get(name, 0))} {'short' if name in short else 'ok'}")
    return not short


def measure(ledger: Ledger, data: Path, looked_at: int) -> Figures:
    """Speed, agreement, and the second look."""
    catalog = make_catalog(ledger, LocalFolder(data))
    photos = CATALOG.read(catalog.path("catalog.parquet"))
    train = photos[photos["split"] == "train"]
    sample = train.iloc[np.linspace(0, len(train) - 1, min(looked_at, len(train))).astype(int)]
    load_detector("retinaface")
    load_detector("mtcnn")
    find = partial(find_boxes, ledger, LocalFolder(data), settings=FacesSettings())
    ours, faces = timed(lambda: find(catalog))
    seconds, seeds = timed(lambda: seeds_loop(data, sample["photo"].tolist()))
    one, every = (bare_network(photos, cores) for cores in (1, os.cpu_count() or 1))
    speed = len(photos) / ours
    boxes = BOXES.read(faces.path("boxes.parquet")).set_index("photo").loc[sample["photo"]]
    new = round(CHANGED * len(photos))
    looks = [train["photo"].tolist()[new * look : new * (look + 1)] for look in range(LOOKS)]
    second = min(second_look(ledger, data, changed, find) for changed in looks)
    return {
        "seed_photos_per_second": len(sample) / seconds,
        "photos_per_second": speed,
        "times_the_seed": speed / (len(sample) / seconds),
        "bare_network_one_core": one,
        "bare_network_all_cores": every,
        "share_of_bare_network": speed / every,
        **agreement(boxes, seeds, (sample["state"] == "mask").to_numpy()),
        "second_look_share": second / ours,
    }


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what the work returned."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def seeds_loop(data: Path, photos: list[str]) -> list[Found]:
    """The seed's loop over photos."""
    import retinaface
    from facenet_pytorch import MTCNN

    net = MTCNN()
    found = []
    for photo in photos:
        pixels = cv2.cvtColor(read(data / photo), cv2.COLOR_BGR2RGB)
        boxes, _, landmarks = net.detect(pixels, landmarks=True)
        if boxes is not None:
            found.append(Found(boxes[0].astype(float), landmarks[0].astype(float)))
        elif faces := retinaface.detect_faces(pixels):
            face = faces[0]
            box = np.array([face.x, face.y, face.x + face.width, face.y + face.height], float)
            found.append(Found(box, np.array([(mark.x, mark.y) for mark in face.landmarks], float)))
        else:
            found.append(Found(None, None))
    return found


def read(photo: Path) -> NDArray[Any]:
    """Pixels of a photo, blue first."""
    pixels = cv2.imread(str(photo))
    assert pixels is not None  # noqa: S101 - the catalog has decoded it
    return pixels


def bare_network(photos: pd.DataFrame, cores: int) -> float:
    """Photos a second that RetinaFace looks at, of the size that photos are shrunk to, if they need not be decoded."""
    detect = load_detector("retinaface")
    factor = detect.longest_sides[0] / max(photos["width"].median(), photos["height"].median())
    height, width = (round(photos[side].median() * min(1, factor)) for side in ("height", "width"))
    session: Any = detect._session  # type: ignore[attr-defined]
    pixels = np.random.default_rng(SEED).normal(0, 50, (1, 3, height, width)).astype(np.float32)

    def look() -> None:
        for _ in range(FORWARDS):
            session.run(None, {"input": pixels})

    with ThreadPoolExecutor(cores) as pool:
        seconds, _ = timed(lambda: [done.result() for done in [pool.submit(look) for _ in range(cores)]])
    return cores * FORWARDS / seconds


def agreement(boxes: pd.DataFrame, seeds: list[Found], masked: NDArray[np.bool_]) -> Figures:
    """How far ours and the seed's agree on photos where both find a face."""
    ours = boxes["score"].notna().to_numpy()
    theirs = np.array([found.box is not None for found in seeds])
    faces = boxes[list(FACE_SIDES)].to_numpy(float)
    marks = boxes[list(MARK_COLUMNS)].to_numpy(float).reshape(-1, 5, 2)
    overlaps, distances = [], []
    for row, found in enumerate(seeds):
        if ours[row] and found.box is not None and found.landmarks is not None:
            overlaps.append(overlap(faces[row], found.box))
            apart = np.linalg.norm(marks[row] - found.landmarks, axis=1).mean()
            distances.append(apart / (found.box[2] - found.box[0]))
    return {
        "found": ours.mean(),
        "found_by_seed": theirs.mean(),
        "found_by_both": (ours & theirs).mean(),
        "masked_found_over_seed": ours[masked].mean() / theirs[masked].mean(),
        "median_overlap": float(np.median(overlaps)),
        "median_landmark_distance": float(np.median(distances)),
    }


def overlap(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Intersection over union of two boxes."""
    left, top = np.maximum(first[:2], second[:2])
    right, bottom = np.minimum(first[2:], second[2:])
    both = max(0.0, right - left) * max(0.0, bottom - top)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return float(both / (areas - both))


def second_look(ledger: Ledger, data: Path, changed: list[str], find: Callable[[Artifact], Artifact]) -> float:
    """Seconds that the step takes when some photos have got other bytes; their pixels stay."""
    for photo in changed:
        with (data / photo).open("ab") as file:
            file.write(b"\0")
    catalog = make_catalog(ledger, LocalFolder(data))
    seconds, _ = timed(lambda: find(catalog))
    return seconds


def peak_elsewhere(data: Path, count: int) -> float:
    """Peak memory, bytes, of a search of so many photos, each with bytes of its own."""
    photo = min(data.glob("train/images/*/normal.jpg"))
    command = [sys.executable, __file__, "--peak", str(photo), str(count)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peak_of_search(photo: Path, count: int) -> int:
    """Peak memory, bytes, of this process after searching copies of a photo."""
    content = photo.read_bytes()
    height, width = read(photo).shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        names, digests = [f"{number}.jpg" for number in range(count)], []
        for number, name in enumerate(names):
            copy = content + number.to_bytes(4)
            (Path(folder) / name).write_bytes(copy)
            digests.append(hashlib.sha256(copy).hexdigest())
        photos = pd.DataFrame({"photo": names, "sha256": digests, "width": width, "height": height})
        del names, digests
        memory = Memory(FolderBackend(Path(folder) / "store"), STEP, FINDINGS, list(DETECTORS))
        find_faces(memory, LocalFolder(Path(folder)), photos, DETECTORS, search_in_threads)
    # What `getrusage` tells begins with the peak of the process that started this one.
    (line,) = re.findall(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return 1024 * int(line)


if __name__ == "__main__":
    main()
