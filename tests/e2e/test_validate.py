"""`foldline validate` for real: what it exits with, what it compares with, and what it leaves in the store."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tasks.tables import RESULTS
from tests.e2e.desk import Desk

Change = Callable[[Path], None]


def wrong_words(data: Path) -> None:
    """Every man is a word that is no gender."""
    table = data / "train/train.csv"
    table.write_text(table.read_text().replace(",male,", ",man,"))


def torn_photo(data: Path) -> None:
    """A photo is cut off."""
    photo = min((data / "train/images").glob("*/mask1.*"))
    photo.write_bytes(photo.read_bytes()[:2000])


def fewer_persons(data: Path) -> None:
    """Four persons are gone."""
    table = data / "train/train.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows[:4]:
        shutil.rmtree(data / "train/images" / row["path"])
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows[4:])


def spoilt(desk: Desk, name: str, change: Change) -> Path:
    data = shutil.copytree(desk.folder / "data", desk.folder / name)
    change(data)
    return data


def failed(desk: Desk, validation: str) -> dict[str, str]:
    """Failed expectations of the newest run's validation, and an example of each."""
    run = desk.run("runs")[-1].split()[0]
    (copied,) = desk.run("get", run, f"{validation}/results.parquet", "-o", f"{run}-{validation}.parquet")
    results = RESULTS.conform(pd.read_parquet(desk.folder / copied))
    return dict(results.loc[~results["success"], ["expectation", "example"]].itertuples(index=False, name=None))


@pytest.fixture(scope="module")
def clean(desk: Desk) -> list[str]:
    """What a validation of the data at the desk prints."""
    return desk.run("validate", "--data", "data")


def test_data_that_is_well_passes_and_nothing_else_is_made(desk: Desk, clean: list[str]) -> None:
    assert any(re.match(r"checks +data: \d+ expectations, failed: ", line) for line in clean)
    assert any(re.match(r"data docs +\S+index\.html", line) for line in clean)
    assert {path.name for path in (desk.folder / "foldline-store/steps").iterdir()} == {"catalog", "validate"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (wrong_words, "labels, gender_known (critical): 42 of 84 photos have a gender that is none of male, female"),
        (torn_photo, "photos, decodable (critical): 1 of 98 photos cannot be decoded, such as train/images/"),
    ],
)
def test_gate_stops_what_is_critical_with_1(desk: Desk, change: Change, told: str) -> None:
    data = spoilt(desk, change.__name__, change)
    lines = "\n".join(desk.run("validate", "--data", data.name, "--store", "gated", status=1))
    assert "GateError: " in lines
    assert told in lines


def test_severity_of_an_expectation_decides_what_stops(desk: Desk, clean: list[str]) -> None:
    info, critical = ("--set", "validation.severities={age_usual: %s}"), ("--set", "validation.labels.oldest=59")
    command = ("validate", "--data", "data", *critical)
    assert clean
    desk.run(*command, info[0], info[1] % "info")
    assert any(
        "labels, age_usual (critical)" in line for line in desk.run(*command, info[0], info[1] % "critical", status=1)
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--set", "validation.severities={age_usul: info}"], "Did you mean 'age_usual'?"),
        (["--suite", "label"], "'labels'"),
        (["--against", "nowhere.json"], "nowhere.json tells no shares: "),
    ],
)
def test_command_that_is_wrong_ends_with_2(desk: Desk, arguments: list[str], told: str) -> None:
    lines = desk.run("validate", "--data", "data", "--store", "misused", *arguments, status=2)
    assert told in "\n".join(lines)


def test_data_is_compared_with_that_of_another_run(desk: Desk, clean: list[str]) -> None:
    data = spoilt(desk, "fewer", fewer_persons)
    run = next(line.split()[1] for line in clean if line.startswith("run "))
    desk.run("validate", "--data", data.name, "--against", run)
    found = failed(desk, "validate-drift")
    assert "persons_kept" in found
    assert "labels_kept" not in found


def test_data_is_compared_with_shares_of_a_file(desk: Desk, clean: list[str]) -> None:
    (desk.folder / "shares.json").write_text(json.dumps({"gender": {"male": 0.9, "female": 0.1}}))
    assert clean
    desk.run("validate", "--data", "data", "--against", "shares.json")
    assert failed(desk, "validate-drift") == {"gender_shares": "female (50.0% instead of 10.0%)"}


def test_folds_are_checked_if_they_are_asked_for(desk: Desk, clean: list[str]) -> None:
    assert clean
    lines = desk.run("validate", "--data", "data", "--suite", "folds", "--set", "folds.count=2")
    assert [line for line in lines if line.endswith((": done", ": reused"))] == [
        "catalog: reused",
        "folds: done",
        "validate-folds: done",
    ]
