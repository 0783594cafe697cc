"""Corrections as flows see them: where they lie, and what a plan says of them."""

from pathlib import Path

import pytest
from prefect.utilities.schema_tools.validation import validate

from flows.cli.diff import compare
from flows.data_change import data_change, photos_of_catalog, photos_of_folder
from flows.params import DataParams
from flows.places import open_places
from flows.plan import PlannedStep, plan_retrain
from tasks.catalog.step import make_catalog
from tasks.corrections.step import make_corrections
from tasks.data_folder.local import LocalFolder
from tasks.errors import ConfigError, DataError
from tasks.folds.settings import FoldsSettings
from tasks.folds.step import make_folds
from tasks.store import Artifact, Ledger
from tasks.store.explain import InputChange
from tasks.store.runs import RunManifest, find_ended, recorded_run

HEADER = "path,attribute,old,new,why,who,date"


@pytest.fixture
def file(sample_data: Path, tmp_path: Path) -> str:
    """A corrections file that fits the drawn data."""
    person = min(path.name for path in (sample_data / "train/images").iterdir())
    (tmp_path / "mine.csv").write_text(f"{HEADER}\n{person}/normal,state,normal,incorrect,seen,Ana,2026-11-26\n")
    return str(tmp_path / "mine.csv")


def plan(ledger: Ledger, data: Path, corrections: str | None) -> dict[str, PlannedStep]:
    params = DataParams(data=str(data), corrections=corrections, experiment="sample", overrides=("faces.crop=centre",))
    return plan_retrain(params, ledger.backend)


def test_plan_without_corrections_knows_nothing_of_them(sample_data: Path, ledger: Ledger) -> None:
    assert "corrections" not in plan(ledger, sample_data, None)


def test_plan_starts_with_corrections_and_makes_nothing(sample_data: Path, ledger: Ledger, file: str) -> None:
    make_catalog(ledger, LocalFolder(sample_data))
    planned = plan(ledger, sample_data, file)
    assert list(planned)[:2] == ["corrections", "catalog"]
    assert (planned["catalog"].causes, planned["catalog"].anew) == ((), ("corrections",))
    assert "corrections" in planned["report"].artifact.manifest.inputs
    assert list(ledger.backend.list("steps/corrections/")) == []


def test_corrections_are_the_cause_and_the_data_is_not(sample_data: Path, ledger: Ledger, file: str) -> None:
    data = LocalFolder(sample_data)
    make_catalog(ledger, data)
    corrections = make_corrections(ledger, file)
    planned = plan(ledger, sample_data, file)
    assert planned["corrections"].artifact.reused
    assert planned["catalog"].causes == (InputChange("corrections", None, str(corrections.ref)),)


def test_corrections_are_the_cause_for_steps_after_a_catalog_that_is_there(
    sample_data: Path, ledger: Ledger, file: str
) -> None:
    data = LocalFolder(sample_data)
    make_folds(ledger, make_catalog(ledger, data), FoldsSettings(count=3))
    corrections = make_corrections(ledger, file)
    make_catalog(ledger, data, corrections)
    planned = plan(ledger, sample_data, file)
    assert planned["catalog"].artifact.reused
    assert planned["folds"].causes == (InputChange("corrections", None, str(corrections.ref)),)


def test_corrections_that_are_given_up_are_the_cause(sample_data: Path, ledger: Ledger, file: str) -> None:
    corrections = make_corrections(ledger, file)
    make_catalog(ledger, LocalFolder(sample_data), corrections)
    assert plan(ledger, sample_data, None)["catalog"].causes == (
        InputChange("corrections", str(corrections.ref), None),
    )


def test_corrected_catalog_is_of_the_same_data(sample_data: Path, ledger: Ledger, file: str) -> None:
    data = LocalFolder(sample_data)
    corrected = make_catalog(ledger, data, make_corrections(ledger, file))
    assert photos_of_catalog(corrected) == photos_of_folder(data)
    change = data_change(photos_of_catalog(make_catalog(ledger, data)), photos_of_catalog(corrected))
    assert not any((change.new, change.gone, change.other_bytes, change.other_labels))


def test_corrections_are_what_two_runs_differ_in(sample_data: Path, ledger: Ledger, file: str) -> None:
    corrections = make_corrections(ledger, file)
    old, new = (
        run_with_catalog(ledger, make_catalog(ledger, LocalFolder(sample_data), c)) for c in (None, corrections)
    )
    pair = compare(ledger, old, new)["catalog"]
    assert (pair.state, pair.causes) == ("differs", (InputChange("corrections", None, str(corrections.ref)),))


def run_with_catalog(ledger: Ledger, catalog: Artifact) -> RunManifest:
    with recorded_run(ledger.backend, "retrain", "sample", {}, "photos") as run:
        run.keep("catalog", catalog.ref, reused=False)
    return find_ended(ledger.backend, run.start.run)


def test_corrections_that_are_wrong_stop_the_plan(sample_data: Path, ledger: Ledger, file: str) -> None:
    Path(file).write_text(f"{HEADER}\n9,gender,male,woman,seen,Ana,2026-11-26\n")
    with pytest.raises(DataError, match="1 new values are no gender"):
        plan(ledger, sample_data, file)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corrections": "s3://key:topsecret@bucket/mine.csv"}, "must not hold credentials"),
        ({"data": "s3://key:topsecret@bucket"}, "must not hold credentials"),
        ({"corrections": "competiton"}, "Did you mean competition"),
    ],
)
def test_places_that_cannot_be_are_refused_before_anything_is_looked_at(changes: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        open_places(DataParams(**{"data": "nowhere", **changes}))
    assert "topsecret" not in str(raised.value)


@pytest.mark.parametrize(
    ("corrections", "taken"),
    [
        (None, True),
        ("competition", True),
        ("mine.csv", True),
        ("s3://bucket/mine.csv", True),
        ("s3://key:topsecret@bucket/mine.csv", False),
        ("competiton", False),
    ],
)
def test_form_takes_what_may_be_and_no_credentials(corrections: str | None, taken: bool) -> None:
    errors = validate({"data": "photos", "corrections": corrections}, DataParams.model_json_schema())
    assert (errors == []) == taken
