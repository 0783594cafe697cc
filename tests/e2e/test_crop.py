"""`foldline crop` for real: over threads, processes and Ray, and how it goes on where it was."""

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.desk import Desk

SMALL = ("--experiment", "sample", "--set", "prepare.height=64", "--set", "prepare.width=48")
CROP = ("crop", "--data", "data", *SMALL)
MADE = ["catalog", "faces", "prepare", "report"]


def steps(lines: list[str]) -> list[str]:
    """Artifacts that a run has told of, each with how it came about."""
    return [line for line in lines if re.fullmatch(r"[a-z-]+: (done|reused)", line)]


def summary(desk: Desk, store: str = "foldline-store") -> list[dict[str, Any]]:
    """What the manifests of the store say of the boxes, the newest last."""
    paths = sorted((desk.folder / store / "steps/faces").glob("*/manifest.json"), key=os.path.getmtime)
    return [json.loads(path.read_text()) for path in paths]


def some_are_searched(desk: Desk, store: str) -> bool:
    """Whether a chunk has been searched, and remembered after what the catalog has measured."""
    return len(list((desk.folder / store / "memory").rglob("*.parquet"))) > 1


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so, for a minute at most."""
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("waited for a minute")


def alive(group: int) -> bool:
    """Whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def first(desk: Desk) -> list[str]:
    """What the first crop of the data at the desk prints."""
    return desk.run(*CROP)


def test_faces_are_found_cropped_and_shown(desk: Desk, first: list[str]) -> None:
    assert steps(first) == [f"{name}: done" for name in MADE]
    (report,) = [line.split()[1] for line in first if line.startswith("report  ")]
    html = (desk.folder / report).read_text()
    assert "By retinaface" in html
    assert html.count("<img") >= 16


@pytest.mark.usefixtures("first")
def test_second_crop_reuses_everything(desk: Desk) -> None:
    assert steps(desk.run(*CROP)) == [f"{name}: reused" for name in MADE]


@pytest.mark.usefixtures("first")
def test_new_photo_alone_is_searched(desk: Desk) -> None:
    data = shutil.copytree(desk.folder / "data", desk.folder / "grown")
    photo = min((data / "train/images").glob("*/mask1.*"))
    photo.write_bytes(photo.read_bytes() + b"\0")
    lines = desk.run("crop", "--data", "grown", *SMALL)
    assert "97 of 98 photos were searched before." in lines
    assert any(line.startswith("Finding faces: 1 of 1 in") for line in lines)


def test_one_detector_may_be_chosen(desk: Desk) -> None:
    Desk(desk.folder, {"FOLDLINE_STORE": "mtcnn"}).run(*CROP, "--detector", "mtcnn")
    (made,) = summary(desk, "mtcnn")
    assert set(made["summary"]["photos_by_source"]) == {"mtcnn", "default"}


@pytest.mark.server
@pytest.mark.parametrize("runner", ["processes", "ray"])
@pytest.mark.usefixtures("first")
def test_search_gives_the_same_whatever_it_is_spread_over(desk: Desk, runner: str) -> None:
    spread = Desk(desk.folder, {"FOLDLINE_TASK_RUNNER": runner, "FOLDLINE_STORE": runner})
    spread.run(*CROP)
    threads = {made["key"]: made["files"] for made in summary(desk)}
    (made,) = summary(desk, runner)
    assert threads[made["key"]] == made["files"]


def test_runner_that_does_not_exist_is_refused_at_once(desk: Desk) -> None:
    wrong = Desk(desk.folder, {"FOLDLINE_TASK_RUNNER": "dask"})
    (line,) = wrong.run(*CROP, status=2)
    assert line == "ConfigError: FOLDLINE_TASK_RUNNER is 'dask'; it can be threads, processes, ray."


def test_killed_search_goes_on_after_the_last_chunk(desk: Desk) -> None:
    """MTCNN takes seconds."""
    killed = Desk(desk.folder, {"FOLDLINE_STORE": "killed"})
    process = killed.start(*CROP, "--detector", "mtcnn")
    wait_for(lambda: some_are_searched(desk, "killed"))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert summary(desk, "killed") == []
    lines = killed.run(*CROP, "--detector", "mtcnn")
    (known,) = [int(line.split()[0]) for line in lines if line.endswith("of 98 photos were searched before.")]
    assert 32 <= known < 98
    Desk(desk.folder, {"FOLDLINE_STORE": "mtcnn"}).run(*CROP, "--detector", "mtcnn")  # if no other test has done so
    assert [made["files"] for made in summary(desk, "killed")] == [made["files"] for made in summary(desk, "mtcnn")]


@pytest.mark.server
def test_processes_end_with_the_one_that_started_them(desk: Desk) -> None:
    killed = Desk(desk.folder, {"FOLDLINE_STORE": "orphans", "FOLDLINE_TASK_RUNNER": "processes"})
    process = killed.start(*CROP, "--detector", "mtcnn")
    wait_for(lambda: some_are_searched(desk, "orphans"))
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)
    assert process.stdout
    process.stdout.close()
    wait_for(lambda: not alive(process.pid))
