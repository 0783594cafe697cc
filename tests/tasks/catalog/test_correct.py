from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.catalog.correct import correct
from tasks.catalog.layout import ListedPhoto, PersonRow, read_layout
from tasks.catalog.step import make_catalog
from tasks.classes import GENDERS, STATES, age_group, encode_class
from tasks.corrections.step import make_corrections
from tasks.data_folder.local import LocalFolder
from tasks.errors import DataError
from tasks.store import Artifact, Ledger
from tasks.tables import CATALOG, CORRECTIONS

Photos = tuple[ListedPhoto, ...]
Fix = tuple[str, str, str, str]
"""Path, attribute, old and new value."""
COLUMNS = list(CORRECTIONS.column_names[:4])


def table(*fixes: Fix) -> pd.DataFrame:
    return pd.DataFrame(fixes, columns=COLUMNS)


def other(value: str, values: tuple[str, ...]) -> str:
    return values[values.index(value) - 1]


@pytest.fixture(scope="module")
def photos(sample_data: Path) -> Photos:
    """The photos of the drawn data set: ids are unique, and so are persons."""
    return read_layout(LocalFolder(sample_data)).photos


@pytest.fixture(scope="module")
def persons(photos: Photos) -> list[PersonRow]:
    return list(dict.fromkeys(photo.person for photo in photos if photo.person))


@pytest.fixture
def person(persons: list[PersonRow]) -> PersonRow:
    return persons[0]


def labels(photos: Photos, person: str) -> dict[str, tuple[str | None, str, int]]:
    """State, gender and age by name of the photo."""
    return {
        Path(photo.photo).stem: (photo.state, photo.person.gender, photo.person.age)
        for photo in photos
        if photo.person and photo.person.person == person
    }


def complaint(photos: Photos, *fixes: Fix) -> str:
    with pytest.raises(DataError) as raised:
        correct(photos, table(*fixes))
    return str(raised.value)


def with_ids(photos: Photos, ids: Mapping[str, str]) -> Photos:
    """The photos, with other ids of the persons in these folders."""
    return tuple(
        replace(photo, person=replace(photo.person, id=ids.get(photo.person.person, photo.person.id)))
        if photo.person
        else photo
        for photo in photos
    )


def test_gender_and_age_are_those_of_all_photos_of_a_person(photos: Photos, person: PersonRow) -> None:
    gender = other(person.gender, GENDERS)
    fixes = table((person.person, "gender", person.gender, gender), (person.id, "age", str(person.age), "99"))
    assert {(g, a) for _, g, a in labels(correct(photos, fixes), person.person).values()} == {(gender, 99)}


def test_state_is_that_of_one_photo(photos: Photos, person: PersonRow) -> None:
    fixes = table(
        (f"{person.person}/normal", "state", "normal", "incorrect"),
        (f"{person.id}/incorrect_mask", "state", "incorrect", "normal"),
    )
    before, after = labels(photos, person.person), labels(correct(photos, fixes), person.person)
    assert {name: state for name, (state, *_) in after.items() if before[name][0] != state} == {
        "normal": "incorrect",
        "incorrect_mask": "normal",
    }


def test_photos_that_no_correction_is_about_stay_as_they_are_and_where_they_are(
    photos: Photos, person: PersonRow
) -> None:
    after = correct(photos, table((person.person, "gender", person.gender, other(person.gender, GENDERS))))
    changed = {old.person.person for old, new in zip(photos, after, strict=True) if old != new and old.person}
    assert changed == {person.person}
    assert [photo.photo for photo in after] == [photo.photo for photo in photos]
    assert correct(photos, table()) == photos


@given(st.data())
def test_the_inverse_of_corrections_gives_back_what_was(sample_data: Path, data: st.DataObject) -> None:
    photos = read_layout(LocalFolder(sample_data)).photos
    chosen = data.draw(st.sets(st.sampled_from([photo for photo in photos if photo.person]), max_size=5))
    fixes: list[Fix] = []
    for photo in chosen:
        name = f"{photo.person.person}/{Path(photo.photo).stem}"
        fixes.append((name, "state", photo.state, other(photo.state, STATES)))
    for person in {photo.person for photo in chosen if photo.person}:
        fixes.append((person.person, "gender", person.gender, other(person.gender, GENDERS)))
        fixes.append((person.person, "age", str(person.age), str(person.age + 1)))
    corrected = correct(photos, table(*fixes))
    assert (corrected == photos) == (not fixes)
    assert correct(corrected, table(*((path, what, new, old) for path, what, old, new in fixes))) == photos


def test_id_names_a_person_whatever_its_suffix(photos: Photos, persons: list[PersonRow]) -> None:
    first, second, *_ = persons
    suffixed = with_ids(photos, {first.person: "000001-1", second.person: "000001-2"})
    gender = other(second.gender, GENDERS)
    after = correct(suffixed, table(("000001-2", "gender", second.gender, gender)))
    assert {g for _, g, _ in labels(after, second.person).values()} == {gender}
    assert labels(after, first.person) == labels(photos, first.person)


def test_folder_goes_before_an_id_that_is_the_same(photos: Photos, persons: list[PersonRow]) -> None:
    first, second, *_ = persons
    confusing = with_ids(photos, {second.person: first.person})
    after = correct(confusing, table((first.person, "age", str(first.age), "99")))
    assert {a for _, _, a in labels(after, first.person).values()} == {99}
    assert labels(after, second.person) == labels(photos, second.person)


def test_id_of_several_persons_is_an_error_that_names_them(photos: Photos, persons: list[PersonRow]) -> None:
    first, second, *_ = persons
    shared = with_ids(photos, {second.person: first.id})
    assert complaint(shared, (first.id, "gender", first.gender, "male")) == (
        "The corrections do not fit the data:\n"
        f"  - 1 ids belong to several persons, such as {first.id} ({first.person}, {second.person}). "
        "Name the folder of the one that is meant."
    )


@pytest.mark.parametrize(
    ("path", "attribute"),
    [("nobody", "gender"), ("nobody/normal", "state"), ("{person}/mask9", "state"), ("{person}/mask9", "age")],
)
def test_person_or_photo_that_is_not_there_is_named(
    photos: Photos, person: PersonRow, path: str, attribute: str
) -> None:
    name = path.format(person=person.person)
    told = complaint(photos, (name, attribute, "normal", "mask"))
    assert f"  - 1 persons or photos are not in the data, such as {name}. Name a person by folder or id" in told


def test_old_value_that_the_data_does_not_have_is_an_error_that_says_what_it_has(
    photos: Photos, person: PersonRow
) -> None:
    told = complaint(
        photos,
        (person.id, "age", "0", "99"),
        (f"{person.id}/normal", "state", "mask", "incorrect"),
    )
    assert told == (
        "The corrections do not fit the data:\n"
        f"  - 2 labels are not what the corrections expect, such as the age of {person.person}, which is "
        f"'{person.age}' and not '0'. Where the data has been corrected itself, delete the row; else mend its old "
        "value."
    )


def test_label_that_is_corrected_under_two_names_is_named(photos: Photos, person: PersonRow) -> None:
    told = complaint(photos, *((name, "age", str(person.age), "99") for name in (person.id, person.person)))
    assert f"1 labels are corrected more than once, such as the age of {person.person}. Keep one row of each." in told


def test_everything_that_does_not_fit_is_told_at_once(photos: Photos, person: PersonRow) -> None:
    told = complaint(photos, ("nobody", "gender", "male", "female"), (person.id, "age", "0", "99"))
    assert told.count("\n  - ") == 2


@pytest.fixture
def corrections(person: PersonRow, ledger: Ledger, tmp_path: Path) -> Artifact:
    """One of the gender, one of the age and one of the state of the first person."""
    rows = [
        f"{person.id},gender,{person.gender},{other(person.gender, GENDERS)},seen,Ana,2026-11-26",
        f"{person.person},age,{person.age},{80 - person.age},told,Ana,2026-11-26",
        f"{person.person}/normal.jpg,state,normal,incorrect,seen,Ana,2026-11-26",
    ]
    (tmp_path / "mine.csv").write_text("\n".join(["path,attribute,old,new,why,who,date", *rows]))
    return make_corrections(ledger, str(tmp_path / "mine.csv"))


def test_catalog_has_the_right_labels_beside_those_that_were_given(
    sample_data: Path, ledger: Ledger, corrections: Artifact
) -> None:
    data = LocalFolder(sample_data)
    given, right = (
        CATALOG.read(artifact.path("catalog.parquet"))
        for artifact in (make_catalog(ledger, data), make_catalog(ledger, data, corrections))
    )
    labelled = ["state", "gender", "age", "age_group", "class"]
    pd.testing.assert_frame_equal(right.drop(columns=labelled), given.drop(columns=labelled))
    assert right["given_gender"].equals(given["gender"].rename("given_gender"))
    changed = right[right["person"] == right["person"].iloc[0]]
    assert (changed["gender"] != changed["given_gender"]).all()
    assert (changed["age"] == 80 - changed["given_age"]).all()
    assert changed["age_group"].tolist() == [age_group(age) for age in changed["age"]]
    assert changed.loc[changed["state"] != changed["given_state"], ["given_state", "state"]].to_numpy().tolist() == [
        ["normal", "incorrect"]
    ]
    classes = zip(changed["state"], changed["gender"], changed["age_group"], strict=True)
    assert changed["class"].tolist() == [encode_class(*labels) for labels in classes]
    untouched = right["person"] != right["person"].iloc[0]
    pd.testing.assert_frame_equal(right[untouched], given[untouched])


def test_figures_are_those_of_the_right_labels(sample_data: Path, ledger: Ledger, corrections: Artifact) -> None:
    given, right = (
        make_catalog(ledger, LocalFolder(sample_data), how).path("eda.json").read_text() for how in (None, corrections)
    )
    assert '"incorrect": 0.142857' in given
    assert '"incorrect": 0.154762' in right


def test_corrected_catalog_is_another_artifact_and_without_corrections_the_first_is_back(
    sample_data: Path, ledger: Ledger, corrections: Artifact
) -> None:
    data = LocalFolder(sample_data)
    plain, corrected, again = (make_catalog(ledger, data, how) for how in (None, corrections, None))
    assert list(plain.manifest.inputs) == ["data"]
    assert corrected.manifest.inputs == {**plain.manifest.inputs, "corrections": str(corrections.ref)}
    assert (again.reused, again.ref) == (True, plain.ref)
    assert make_catalog(ledger, data, corrections).reused


def test_corrections_that_do_not_fit_make_no_catalog(
    sample_data: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.catalog.step.measure_photos", None)  # so much work would be in vain
    with pytest.raises(DataError, match="19 persons or photos are not in the data, such as 006359"):
        make_catalog(ledger, LocalFolder(sample_data), make_corrections(ledger, "competition"))
    assert list(ledger.backend.list("steps/catalog/")) == []
