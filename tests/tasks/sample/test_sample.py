import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from tasks.catalog.step import make_catalog
from tasks.classes import AGE_GROUPS, GENDERS, encode_class
from tasks.data_folder.local import LocalFolder
from tasks.errors import ConfigError
from tasks.photos import decode_photo
from tasks.sample.draw import draw_sample
from tasks.sample.flaws import PLANTERS
from tasks.sample.people import PERSONS_BY_AGE, PERSONS_BY_GENDER_AND_GROUP, choose_people
from tasks.sample.settings import SampleSettings
from tasks.store import Ledger
from tasks.tables import CATALOG

HARMLESS = ("gender", "age", "state", "duplicate", "debris")
"""Flaws that leave every photo readable."""


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_draws_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        draw_sample(tmp_path / name, SampleSettings(people=3, eval=5, seed=seed, flaws=True))
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert not set(digests(tmp_path / "a").values()) & {
        digest for name, digest in digests(tmp_path / "c").items() if "images" in name and "._" not in name
    } - {hashlib.sha256(b"").hexdigest(), hashlib.sha256(b"no photo").hexdigest()}


def test_drawn_photos_are_those_of_the_layout(sample_data: Path) -> None:
    rows = rows_of(sample_data / "train/train.csv")
    assert list(rows[0]) == ["id", "gender", "race", "age", "path"]
    assert all(row["path"] == f"{row['id']}_{row['gender']}_Asian_{row['age']}" for row in rows)
    names = [row["ImageID"] for row in rows_of(sample_data / "eval/info.csv")]
    assert all(len(Path(name).stem) == 40 and int(Path(name).stem, 16) >= 0 for name in names)
    photo = decode_photo((sample_data / "eval/images" / names[0]).read_bytes())
    assert photo.shape == (512, 384, 3)


def test_answers_of_the_photos_to_predict_lie_beside_but_not_in_info_csv(sample_data: Path) -> None:
    info, answers = rows_of(sample_data / "eval/info.csv"), rows_of(sample_data / "answers.csv")
    assert [row["ImageID"] for row in info] == [row["ImageID"] for row in answers]
    assert {row["ans"] for row in info} == {"0"}
    assert {int(row["ans"]) for row in answers} <= set(range(18))
    assert len({row["ans"] for row in answers}) > 3


def test_people_have_the_competitions_shares_of_gender_and_age() -> None:
    people = choose_people(2700, np.random.default_rng(1))
    for (gender, group), persons in PERSONS_BY_GENDER_AND_GROUP.items():
        drawn = sum(person.gender == gender and person.group == group for person in people)
        assert drawn == pytest.approx(persons, abs=3)
    ages = np.bincount([person.age - 18 for person in people], minlength=len(PERSONS_BY_AGE))
    assert np.corrcoef(ages, PERSONS_BY_AGE)[0, 1] > 0.97


def test_twelve_people_hold_every_gender_and_age_group_twice() -> None:
    people = choose_people(12, np.random.default_rng(1))
    for gender in GENDERS:
        for group in AGE_GROUPS:
            assert sum(person.gender == gender and person.group == group for person in people) == 2


@pytest.mark.parametrize("people", [1, 2, 11])
def test_few_people_can_be_drawn(people: int) -> None:
    assert len(choose_people(people, np.random.default_rng(1))) == people


def test_photos_of_a_person_differ_in_light_and_pose(sample_data: Path) -> None:
    person = min((sample_data / "train/images").iterdir())
    photos = [decode_photo(path.read_bytes()).astype(float) for path in sorted(person.glob("mask*"))]
    differences = [np.abs(photos[0] - other).mean() for other in photos[1:]]
    assert min(differences) > 2


def test_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty"):
        draw_sample(tmp_path, SampleSettings(people=1, eval=1))
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_drawing_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path, photos: int, seed: int) -> None:
        raise OSError(f"no space for {photos} photos of seed {seed} in {folder}")

    monkeypatch.setattr("tasks.sample.draw.write_evaluation", fail)
    with pytest.raises(OSError, match="no space"):
        draw_sample(tmp_path / "sample", SampleSettings(people=1, eval=1))
    assert list(tmp_path.iterdir()) == []


def test_unknown_kind_of_flaw_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="1 kinds of flaws do not exist, such as 'blur'"):
        draw_sample(tmp_path / "sample", SampleSettings(people=1, eval=1, flaws=True), ["blur"])


def test_planted_labels_are_wrong_where_the_list_says_and_nowhere_else(tmp_path: Path, ledger: Ledger) -> None:
    settings = SampleSettings(people=20, eval=3, seed=5)
    draw_sample(tmp_path / "clean", settings)
    draw_sample(tmp_path / "flawed", settings.model_copy(update={"flaws": True}), ["gender", "age"])
    flaws = json.loads((tmp_path / "flawed/flaws.json").read_text())
    clean, flawed = (rows_of(tmp_path / name / "train/train.csv") for name in ("clean", "flawed"))
    changed = [
        {"kind": name, "path": f"train/images/{after['path']}", "attribute": name, "given": after[name], "true": true}
        for before, after in zip(clean, flawed, strict=True)
        for name, true in before.items()
        if name in {"gender", "age"} and after[name] != true
    ]
    assert sorted(changed, key=str) == sorted(flaws, key=str)
    assert len(flaws) == 2
    assert make_catalog(ledger, LocalFolder(tmp_path / "flawed")).manifest.summary["persons"] == 20


def test_flaws_that_leave_photos_readable_make_a_catalog(tmp_path: Path, ledger: Ledger) -> None:
    draw_sample(tmp_path / "data", SampleSettings(people=20, eval=3, flaws=True), HARMLESS)
    catalog = CATALOG.read(make_catalog(ledger, LocalFolder(tmp_path / "data")).path("catalog.parquet"))
    flaws = json.loads((tmp_path / "data/flaws.json").read_text())
    assert {flaw["kind"] for flaw in flaws} == set(HARMLESS)
    photos = set(catalog["photo"])
    assert {flaw["path"] for flaw in flaws if flaw["kind"] in {"state", "duplicate"}} <= photos
    assert not {flaw["path"] for flaw in flaws if flaw["kind"] == "debris"} & photos
    repeated = catalog[catalog["sha256"].duplicated()]["photo"]
    assert set(repeated) == {flaw["path"] for flaw in flaws if flaw["kind"] == "duplicate"}


def test_planted_unreadable_photos_are_all_found(tmp_path: Path, ledger: Ledger) -> None:
    receipt = draw_sample(tmp_path / "data", SampleSettings(people=4, eval=3, flaws=True), ["unreadable"])
    catalog = CATALOG.read(make_catalog(ledger, LocalFolder(tmp_path / "data")).path("catalog.parquet"))
    assert set(catalog.loc[catalog["problem"].notna(), "photo"]) == {flaw.path for flaw in receipt.flaws}


def test_swapped_states_are_listed_with_the_truth(tmp_path: Path) -> None:
    settings = SampleSettings(people=2, eval=1, seed=9)
    draw_sample(tmp_path / "clean", settings)
    draw_sample(tmp_path / "flawed", settings.model_copy(update={"flaws": True}), ["state"])
    clean, flawed = digests(tmp_path / "clean"), digests(tmp_path / "flawed")
    files = {"incorrect": "incorrect_mask", "normal": "normal"}
    for flaw in json.loads((tmp_path / "flawed/flaws.json").read_text()):
        path = Path(flaw["path"])
        (truth,) = (tmp_path / "clean" / path.parent).glob(f"{files[flaw['true']]}.*")
        assert flawed[flaw["path"]] == clean[truth.relative_to(tmp_path / "clean").as_posix()]
        assert path.stem == files[flaw["given"]]


def test_every_kind_of_flaw_can_be_planted_alone(tmp_path: Path) -> None:
    for kind in PLANTERS:
        receipt = draw_sample(tmp_path / kind, SampleSettings(people=2, eval=1, flaws=True), [kind])
        assert {flaw.kind for flaw in receipt.flaws} == {kind}


def test_classes_of_a_small_sample_are_all_there(sample_data: Path, ledger: Ledger) -> None:
    catalog = CATALOG.read(make_catalog(ledger, LocalFolder(sample_data)).path("catalog.parquet"))
    assert set(catalog["class"].dropna()) == {
        encode_class(state, gender, group)
        for state in ("mask", "incorrect", "normal")
        for gender in GENDERS
        for group in AGE_GROUPS
    }
