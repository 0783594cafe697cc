"""The whole chain for real, small: what it makes, what it reuses, and what a kill costs."""

import csv
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.desk import STEPS, Desk, retrain


@pytest.fixture(scope="module")
def first(desk: Desk) -> list[str]:
    """What the first run at the desk prints."""
    return desk.run(*retrain())


def facts(lines: list[str]) -> dict[str, str]:
    """What is printed about a run at its end, by name."""
    return {line[:12].strip(): line[12:] for line in lines if re.match(r"\w[\w ]{11}\S", line)}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_retrain_goes_from_photos_to_a_checked_submission(desk: Desk, first: list[str]) -> None:
    submission = rows(Path(facts(first)["submission"]))
    info = rows(desk.folder / "data/eval/info.csv")
    assert [row["ImageID"] for row in submission] == [row["ImageID"] for row in info]
    assert {int(row["ans"]) for row in submission} <= set(range(18))
    assert [line for line in first if line.endswith(": done")] == [f"{step}: done" for step in (*STEPS, "report")]
    assert facts(first)["state"] == "completed"


def test_pages_load_nothing_from_elsewhere(first: list[str]) -> None:
    report, docs = Path(facts(first)["report"]), Path(facts(first)["data docs"])
    pages = [report, *docs.parent.rglob("*.html")]
    assert len(pages) >= 8
    for page in pages:
        assert (
            re.findall(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=[\"']?(?:https?:)?//", page.read_text()) == []
        )


def test_run_in_the_store_says_what_it_used_and_made(desk: Desk, first: list[str]) -> None:
    (path,) = (desk.folder / "foldline-store/runs").glob(f"{facts(first)['run']}/manifest.json")
    run = json.loads(path.read_text())
    assert list(run["artifacts"]) == [*STEPS, "report"]
    assert (run["state"], run["reused"], run["data"], run["experiment"]) == ("completed", [], "data", "sample")
    assert run["settings"]["training"]["epochs"] == 1
    assert run["scores"]["macro_f1"] == pytest.approx(float(facts(first)["macro f1"]), abs=5e-5)


def test_second_run_reuses_every_step_and_loads_no_torch(desk: Desk, first: list[str]) -> None:
    script = f"""
import os, sys
from flows.cli import main
os.environ["FOLDLINE_HOME"] = "home"
main({list(retrain())!r})
heavy = {{"torch", "great_expectations", "albumentations", "matplotlib", "sklearn", "onnxruntime"}} & set(sys.modules)
assert not heavy, heavy
"""
    command = [sys.executable, "-c", script]
    second = subprocess.run(command, cwd=desk.folder, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line for line in second if line.endswith(": reused")] == [f"{step}: reused" for step in (*STEPS, "report")]
    assert facts(second)["took"].endswith("14 of 14 artifacts reused")
    for name in ("submission", "report", "data docs", "macro f1"):
        assert facts(second)[name] == facts(first)[name]


def test_prefect_shows_what_was_reused(desk: Desk, first: list[str]) -> None:
    desk.run(*retrain())
    with sqlite3.connect(desk.folder / "home/prefect/prefect.db") as database:
        tasks = database.execute("select name, state_name from task_run order by expected_start_time").fetchall()
        flows = database.execute("select state_name from flow_run where name = 'train-fold-0'").fetchall()
        keys = {key for (key,) in database.execute("select key from artifact")}
    assert first
    assert {state for name, state in tasks if name.startswith("faces")} == {"Completed", "Reused"}
    assert ("Reused",) in flows
    assert {"catalog", "faces", "fold-0", "submission", "validation-of-data", "report"} <= keys


def test_killed_run_repeats_only_what_was_not_finished(desk: Desk, first: list[str]) -> None:
    changed = retrain("training.seed=7", "training.epochs=2")
    desk.stop_at("Fold 1, epoch 1 of 2: loss", signal.SIGKILL, *changed)
    again = desk.run(*changed)
    assert first
    assert [line for line in again if line.endswith(": reused")] == [f"{step}: reused" for step in STEPS[:8]]
    assert "fold-1: done" in again
    assert not any(line.startswith("Fold 0") for line in again)
    killed, ended = desk.run("runs")[-2:]
    assert killed.split()[2:] == ["not", "ended"]
    assert ended.split()[2] == "completed"
    assert list((desk.folder / "foldline-store/tmp").iterdir()) == []


def test_undisturbed_run_gives_the_same_submission_as_a_killed_one(desk: Desk, first: list[str]) -> None:
    changed = retrain("training.seed=7", "training.epochs=2")
    after_kill = desk.run(*changed)
    undisturbed = desk.run(*changed, "--store", "other-store")
    assert first
    one, other = (Path(facts(lines)["submission"]) for lines in (after_kill, undisturbed))
    assert one != other
    assert one.read_bytes() == other.read_bytes()


def test_interrupted_run_says_how_to_go_on_and_has_failed(desk: Desk, first: list[str]) -> None:
    status, rest = desk.stop_at("prepare: ", signal.SIGINT, *retrain("training.seed=8"))
    assert first
    assert status == 130
    assert "Interrupted. What was finished is in the store; the same command goes on from there." in rest
    assert "Traceback" not in rest
    assert "Error" not in rest
    assert desk.run("runs")[-1].split()[2] == "failed"


def test_terminated_run_has_failed_and_leaves_no_process_behind(desk: Desk, first: list[str]) -> None:
    process = desk.start(*retrain("training.seed=9"))
    assert first
    assert process.stdout
    with process.stdout:
        while not process.stdout.readline().startswith("prepare: "):
            assert process.poll() is None
        tree = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        children = [Path("/proc", number) for number in tree.read_text().split()]
        process.terminate()
        rest = process.stdout.read()
    assert process.wait(60) == 130, rest
    assert children
    assert not any(child.exists() for child in children)
    assert desk.run("runs")[-1].split()[2] == "failed"


def test_data_that_the_gate_stops_costs_no_training(desk: Desk, sample_data: Path) -> None:
    data = shutil.copytree(sample_data, desk.folder / "wrong")
    table = data / "train/train.csv"
    table.write_text(table.read_text().replace(",male,", ",man,"))
    lines = desk.run("retrain", "--data", "wrong", "--experiment", "sample", "--store", "wrong-store", status=1)
    assert any(line.startswith("GateError: ") for line in lines)
    (report,) = (desk.folder / "wrong-store").glob("steps/validate/*/*/data_docs/index.html")
    assert str(report) in "\n".join(lines)
    assert sorted(path.name for path in (desk.folder / "wrong-store/steps").iterdir()) == ["catalog", "validate"]
    assert desk.run("runs", "--store", "wrong-store")[-1].split()[2] == "failed"
