import json
from pathlib import Path

import pytest

from flows.champion import CHAMPION, crown
from flows.validation import find_reference, read_shares
from tasks.errors import ConfigError, NotInStoreError
from tasks.store import ArtifactRef, Backend, Ledger, Step
from tasks.store.runs import recorded_run
from tasks.validate.settings import ALL_SUITES, ARTIFACTS, SUITES, SuiteSettings, ValidationSettings

CATALOG = ArtifactRef(step="catalog", key="c" * 64)
"""A catalog that is in no store."""


def made(ledger: Ledger) -> ArtifactRef:
    """A catalog that is in the store."""
    return ledger.produce(Step(name="catalog", package="tasks.classes"), {}, None, lambda _: {}).ref


def finished(backend: Backend, *names: str, catalog: ArtifactRef = CATALOG) -> str:
    with recorded_run(backend, "retrain", "laptop", {}, "photos") as run:
        run.scores["macro_f1"] = 0.5
        for name in names:
            run.keep(name, catalog, reused=False)
    return run.start.run


def test_nothing_is_compared_with_before_there_is_a_champion(ledger: Ledger) -> None:
    finished(ledger.backend, "catalog")
    assert find_reference(CHAMPION, "photos", ledger.backend) is None


def test_data_is_compared_with_the_champions_if_it_comes_from_the_same_place(ledger: Ledger) -> None:
    catalog = made(ledger)
    crown(ledger.backend, finished(ledger.backend, "catalog", catalog=catalog))
    assert find_reference(CHAMPION, "photos", ledger.backend) == catalog
    assert find_reference(CHAMPION, str(Path("photos").resolve()), ledger.backend) == catalog
    assert find_reference(CHAMPION, "other photos", ledger.backend) is None


def test_champion_whose_catalog_is_lost_stops_nobody(ledger: Ledger) -> None:
    crown(ledger.backend, finished(ledger.backend, "catalog"))
    assert find_reference(CHAMPION, "photos", ledger.backend) is None


def test_data_is_compared_with_any_run_that_is_named(ledger: Ledger) -> None:
    run = finished(ledger.backend, "catalog")
    assert find_reference(run, "other photos", ledger.backend) == CATALOG


def test_run_without_a_catalog_is_refused(ledger: Ledger) -> None:
    run = finished(ledger.backend)
    with pytest.raises(NotInStoreError, match=f"Run {run} has no catalog to compare with"):
        find_reference(run, "photos", ledger.backend)


def test_file_may_tell_some_shares_and_other_figures(tmp_path: Path) -> None:
    path = tmp_path / "eda.json"
    path.write_text(json.dumps({"photos": {"train": 9}, "gender": {"male": 0.4, "female": 0.6}, "rgb": {"mean": []}}))
    assert read_shares(path) == {"gender": {"male": 0.4, "female": 0.6}}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("no JSON", "tells no shares"),
        ('["gender"]', "tells no shares"),
        ('{"gender": {"male": "many"}}', "tells no shares"),
        ('{"colours": {}}', "has none of class, mask, gender, age_group"),
        ('{"gender": {"male": NaN, "female": 0.5}}', r"tells no shares:[\s\S]*male \(nan\)"),
        ('{"gender": {"male": 50, "female": 50}}', r"tells no shares:[\s\S]*male \(50.0\)"),
        ('{"gender": {"male": 0.4}}', r"tells no shares:[\s\S]*sums of gender are not 1, such as 0.4"),
        ('{"class": {"99": 1.0}}', r"tells no shares:[\s\S]*values of class do not exist, such as 99"),
        ('{"class": {}}', r"tells no shares:[\s\S]*sums of class are not 1, such as 0"),
    ],
)
def test_file_without_shares_is_refused(content: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "shares.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=rf"shares\.json {told}"):
        read_shares(path)


def test_every_suite_is_about_one_subject() -> None:
    assert len(set(ALL_SUITES)) == len(ALL_SUITES)
    assert SUITES.keys() == ARTIFACTS.keys()
    assert set(ALL_SUITES) <= SuiteSettings.model_fields.keys()


def test_settings_of_other_suites_and_the_gate_decide_nothing_about_a_subject() -> None:
    changed = ValidationSettings.model_validate({"faces": {"most": 0.2}, "stop_at": "never"})
    assert changed.about("data") == ValidationSettings().about("data")
    assert changed.about("faces") != ValidationSettings().about("faces")
    assert ValidationSettings(suites=("labels", "folds")).suites_of("data") == ("labels",)
