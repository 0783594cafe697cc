"""Drawing people: photos a second, and the share of drawings in which each detector finds a face.

    .venv/bin/python benchmarks/sample.py [--quick]

Prints a line a figure, `name value goal ok|short`; exits 1 if one is short of its goal.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tasks.faces.detectors import load_detector
from tasks.faces.settings import DetectorName
from tasks.photos import decode_photo
from tasks.sample.draw import draw_sample
from tasks.sample.settings import SampleSettings

PEOPLE, QUICK_PEOPLE = 400, 60
SEED = 11
GOALS: dict[str, float] = {"photos_per_second": 100, "found_by_retinaface": 0.9, "found_by_mtcnn": 0}
"""MTCNN has no goal: what it misses exercises the fallback."""


def main() -> None:
    """Measure, print, and exit 1 if a figure is short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"draw {QUICK_PEOPLE} people instead of {PEOPLE}")
    people = QUICK_PEOPLE if parser.parse_args().quick else PEOPLE
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "sample"
        figures = {"photos_per_second": drawing_speed(data, people)}
        photos = sorted(data.glob("train/images/*/*"))
        figures |= {f"found_by_{name}": found_share(photos, name) for name in ("retinaface", "mtcnn")}
    short = [name for name, value in figures.items() if value < GOALS[name]]
    for name, value in figures.items():
        print(f"{name} {value:.3f} {GOALS[name]} {'short' if name in short else 'ok'}")
    sys.exit(bool(short))


def drawing_speed(data: Path, people: int) -> float:
    """Photos a second, drawn and written to disk."""
    started = time.perf_counter()
    receipt = draw_sample(data, SampleSettings(people=people, eval=1, seed=SEED))
    return (receipt.photos + receipt.eval_photos) / (time.perf_counter() - started)


def found_share(photos: list[Path], name: DetectorName) -> float:
    """Share of the photos in which the detector finds a face."""
    detect = load_detector(name)
    shrunk = (decode_photo(photo.read_bytes(), max(detect.longest_sides)) for photo in photos)
    return sum(bool(detect(pixels)) for pixels in shrunk) / len(photos)


if __name__ == "__main__":
    main()
