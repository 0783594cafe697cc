import json
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from tasks.catalog.eda import describe
from tasks.store import Artifact, Ledger, Step
from tasks.tables import ASIDE
from tasks.validate.tables import read_data, read_drift, read_faces, read_folds, read_submission
from tests.tasks.validate.clean import CATALOG, CLEAN, EVAL, IMAGES, SHARES, TRAIN
from tests.tasks.validate.stored import store_boxes, store_catalog, store_folds, store_submission


def answers_beside_images(ledger: Ledger, answers: pd.DataFrame) -> list[tuple[object, ...]]:
    """The last three rows of a submission as it is validated; what is missing is None."""
    read = read_submission(store_catalog(ledger, CATALOG), store_submission(ledger, answers))
    rows = read.rows["submission"].tail(3).astype("object")
    return list(rows.where(rows.notna(), None).itertuples(index=False, name=None))


def test_labels_are_checked_of_training_photos_and_pixels_of_all(ledger: Ledger) -> None:
    rows = read_data(store_catalog(ledger, CATALOG)).rows
    assert rows["labels"]["photo"].tolist() == rows["balance"]["photo"].tolist() == TRAIN["photo"].tolist()
    assert rows["photos"]["photo"].tolist() == [*TRAIN["photo"], *EVAL["photo"]]


def test_new_photos_stand_before_those_of_the_reference_with_its_shares(ledger: Ledger, catalog: pd.DataFrame) -> None:
    new = store_catalog(ledger, catalog.drop(index=range(7)))
    read = read_drift(new, store_catalog(ledger, CATALOG))
    assert read.rows["drift"]["data"].tolist() == ["new"] * (len(CATALOG) - 7) + ["reference"] * len(CATALOG)
    assert (read.shares, read.earlier_photos) == (SHARES, True)


def test_reference_that_other_code_has_made_is_compared_by_its_shares(ledger: Ledger) -> None:
    new, earlier = store_catalog(ledger, CATALOG), store_catalog(ledger, CATALOG[:-1])
    path = earlier.path("catalog.parquet")
    outdated = make_outdated(ledger, path)
    read = read_drift(new, outdated)
    assert set(read.rows["drift"]["data"]) == {"new"}
    assert (read.shares, read.earlier_photos) == (SHARES, False)


def make_outdated(ledger: Ledger, catalog: Path) -> Artifact:
    """A catalog as code before had made it, without some columns."""

    def compute(folder: Path) -> dict[str, JsonValue]:
        pd.read_parquet(catalog).drop(columns=["race", "phash"]).to_parquet(folder / "catalog.parquet")
        (folder / "eda.json").write_text(json.dumps(describe(CATALOG)))
        return {}

    return ledger.produce(Step(name="catalog", package="tasks.classes"), {"rows": "outdated"}, None, compute)


def test_reference_of_mere_shares_has_no_photos(ledger: Ledger) -> None:
    shares = {"gender": {"male": 1.0}}
    read = read_drift(store_catalog(ledger, CATALOG), shares)
    assert set(read.rows["drift"]["data"]) == {"new"}
    assert (read.shares, read.earlier_photos) == (shares, False)


def test_photos_stand_beside_their_boxes(ledger: Ledger) -> None:
    boxes = CLEAN["faces"]
    rows = read_faces(store_catalog(ledger, CATALOG), store_boxes(ledger, boxes[::-1])).rows["faces"]
    pd.testing.assert_frame_equal(rows[boxes.columns], boxes)


def test_photos_kept_aside_are_in_no_fold(ledger: Ledger) -> None:
    folds = CLEAN["folds"].copy()
    folds.loc[range(7), "fold"] = ASIDE
    rows = read_folds(store_catalog(ledger, CATALOG), store_folds(ledger, folds)).rows["folds"]
    assert rows["photo"].tolist() == TRAIN["photo"].tolist()[7:]
    assert rows["fold"].tolist() == folds["fold"].tolist()[7:]


def test_answers_stand_beside_the_images_of_info_csv(ledger: Ledger) -> None:
    answers = CLEAN["submission"]
    last = list(zip(IMAGES[-3:], answers["answer"][-3:], IMAGES[-3:], strict=True))
    assert answers_beside_images(ledger, answers) == last
    assert answers_beside_images(ledger, answers[:-1]) == [*last[:-1], (None, None, IMAGES[-1])]
    more = pd.concat([answers, pd.DataFrame({"image": ["more.jpg"], "answer": ["3"]})])
    assert answers_beside_images(ledger, more) == [*last[1:], ("more.jpg", "3", None)]
