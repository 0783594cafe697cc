"""A small run, planted by hand in a real ledger: tables with numbers that can be counted on fingers."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic import BaseModel, JsonValue

from tasks.classes import AGE_GROUPS, CLASS_COUNT, GENDERS, STATE_OF_FILE, encode_class
from tasks.data_folder.local import LocalFolder
from tasks.report.page import Page, make_page, render
from tasks.report.run import RunTables, read_tables
from tasks.store import Artifact, Ledger, Step
from tasks.store.folder import FolderBackend
from tasks.tables import (
    BOXES,
    CATALOG,
    CLASS_COLUMNS,
    CROPS,
    FOLDS,
    HISTORY,
    LANDMARKS,
    OFFENDERS,
    PROBABILITIES,
    RESULTS,
    SUSPECTS,
    Table,
)

EXPERIMENT = "laptop <i>&"
AGES = {"<30": 22, "30-59": 41, ">=60": 60}
PERSONS = [
    (f"{number:03}_{gender}_<b>&_{AGES[group]}", gender, group)
    for number, (_, gender, group) in enumerate(product(range(2), GENDERS, AGE_GROUPS))
]
"""Folder name, gender and age group of twelve persons: two of each kind, with names that HTML must escape."""
MISTAKES = {(0, "mask1"): 6, (0, "mask2"): 6, (6, "mask1"): 3, (7, "normal"): 14}
"""Predicted class, by person and photo, where the planted models are wrong; of the last they are surest."""
CONFIDENCE = 0.9
SUREST = 0.99
COPY, ORIGINAL = (f"train/images/{PERSONS[number][0]}/normal.jpg" for number in (4, 1))
"""Two photos with the same bytes."""
GONE = f"train/images/{PERSONS[11][0]}/incorrect_mask.jpg"
"""A photo that lies no longer where it was."""
SMALLEST = {"width": 61.2, "height": 92.7}
"""The planted undersize rule, pixels."""

Content = tuple[Table, pd.DataFrame] | np.ndarray | str
Plant = Callable[..., Artifact]


class Settings(BaseModel):
    """Settings of a planted step."""

    backbone: str = "tiny_net"
    epochs: int = 3


@pytest.fixture(scope="session")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return Ledger(FolderBackend(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="session")
def plant(ledger: Ledger) -> Plant:
    """Makes an artifact by hand of files: tables, arrays and text; `number` tells equal steps apart."""

    def made(
        step: str, files: Mapping[str, Content], number: int = 0, summary: Mapping[str, JsonValue] | None = None
    ) -> Artifact:
        def compute(folder: Path) -> dict[str, JsonValue]:
            for name, content in files.items():
                write(folder / name, content)
            return dict(summary or {})

        return ledger.produce(Step(step, "tasks.classes", ("numpy",)), {"number": str(number)}, Settings(), compute)

    return made


def write(path: Path, content: Content) -> None:
    path.parent.mkdir(exist_ok=True)
    if isinstance(content, str):
        path.write_text(content)
    elif isinstance(content, np.ndarray):
        np.save(path, content)
    else:
        table, frame = content
        table.write(frame, path)


@pytest.fixture(scope="session")
def catalog() -> pd.DataFrame:
    train = [
        {
            "photo": f"train/images/{person}/{name}.jpg",
            "split": "train",
            "person": person,
            "group": person,
            "state": state,
            "gender": gender,
            "age": AGES[group],
            "age_group": group,
            "class": encode_class(state, gender, group),
        }
        for person, gender, group in PERSONS
        for name, state in STATE_OF_FILE.items()
    ]
    evaluation = [{"photo": f"eval/images/{number:04x}.jpg", "split": "eval"} for number in range(10)]
    frame = pd.DataFrame([*train, *evaluation]).assign(sha256=hashlib.sha256(GREY).hexdigest(), width=384, height=512)
    return CATALOG.conform(frame.assign(**dict.fromkeys(set(CATALOG.column_names) - set(frame), 0)))


def encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


GREY = encoded(Image.new("RGB", (384, 512), (128, 128, 128)))
"""The bytes of every photo."""


def probabilities(photos: pd.DataFrame, classes: np.ndarray, confidence: np.ndarray) -> pd.DataFrame:
    """A table of probabilities whose likeliest classes are `classes`."""
    rest = (1 - confidence) / (CLASS_COUNT - 1)
    values = np.repeat(rest[:, None], CLASS_COUNT, axis=1)
    values[np.arange(len(classes)), classes] = confidence
    return pd.DataFrame(values, columns=CLASS_COLUMNS).assign(photo=photos["photo"].to_numpy())


@pytest.fixture(scope="session")
def predicted(catalog: pd.DataFrame) -> np.ndarray:
    """Predicted class of every training photo."""
    train = catalog[catalog["split"] == "train"].set_index("photo")
    classes = train["class"].astype("int64").copy()
    for (number, name), mistaken in MISTAKES.items():
        classes[f"train/images/{PERSONS[number][0]}/{name}.jpg"] = mistaken
    return classes.to_numpy()


@pytest.fixture(scope="session")
def artifacts(plant: Plant, catalog: pd.DataFrame, predicted: np.ndarray) -> dict[str, Artifact]:
    """Every artifact of the planted run; fold 0 holds out the first six persons, fold 1 the others."""
    photos = catalog["photo"]
    train, evaluation = (catalog[catalog["split"] == split] for split in ("train", "eval"))
    surest = train["photo"].str.contains("/007_.*normal").to_numpy()
    oof = probabilities(train, predicted, np.where(surest, SUREST, CONFIDENCE))
    answers = np.arange(len(evaluation))
    blended = probabilities(evaluation, answers, np.full(len(answers), CONFIDENCE))
    figures = {"persons": 12, "rgb": {"mean": [0.25, 0.5, 0.75]}, "class": {"0": 0.5}}
    crops = pd.DataFrame({"photo": photos, "shard": "a.npy", "row": photos.index})
    pixels = np.random.default_rng(1).integers(0, 255, (len(photos), 26, 20, 3), np.uint8)
    folds = train.assign(fold=(train["person"] >= PERSONS[6][0]).astype(int))
    submission = "ImageID,ans\n" + "".join(f"{number:04x}.jpg,{number}\n" for number in answers.tolist())
    return {
        "catalog": plant("catalog", {"catalog.parquet": (CATALOG, catalog), "eda.json": json.dumps(figures)}),
        "validate": plant("validate", validation(data_results(), data_offenders())),
        "validate-faces": plant("validate", validation(face_results(), face_offenders()), 1),
        "faces": plant("faces", {"boxes.parquet": (BOXES, boxes(catalog))}, summary={"smallest_box": SMALLEST}),
        "prepare": plant("prepare", {"crops.parquet": (CROPS, crops), "a.npy": pixels}),
        "folds": plant("folds", {"folds.parquet": (FOLDS, folds)}),
        **{f"fold-{fold}": plant("training", {"history.parquet": (HISTORY, history())}, fold) for fold in (0, 1)},
        "ensemble": plant("ensemble", {"oof.parquet": (PROBABILITIES, oof), "eval.parquet": (PROBABILITIES, blended)}),
        "labels": plant("labels", {"suspects.parquet": (SUSPECTS, suspects())}),
        "submission": plant("submission", {"submission.csv": submission}),
    }


def validation(results: pd.DataFrame, offenders: pd.DataFrame) -> dict[str, Content]:
    return {
        "results.parquet": (RESULTS, results),
        "offenders.parquet": (OFFENDERS, offenders),
        "data_docs/index.html": "",
    }


def data_results() -> pd.DataFrame:
    """Two expectations that are met, one that classes break, and one that a photo breaks."""
    rows = [
        ("labels", "class_given", "class", "critical", True, "photos", 84, 0, None, "Every photo has a class."),
        ("labels", "age_given", "age", "critical", True, "photos", 84, 0, None, "Every photo has an age."),
        ("photos", "no_copies_persons", "sha256", "warning", False, "photos", 94, 1, "x", "1 photo is a copy."),
        ("balance", "class_photos", "class", "warning", False, "classes", 18, 3, "x", "3 classes are <rare>."),
    ]
    return pd.DataFrame(rows, columns=RESULTS.column_names)


def data_offenders() -> pd.DataFrame:
    rows = [
        ("photos", "no_copies_persons", COPY, f"like {ORIGINAL}", ORIGINAL),
        ("balance", "class_photos", "mask male <30", "1 photo", None),
    ]
    return pd.DataFrame(rows, columns=OFFENDERS.column_names)


def face_results() -> pd.DataFrame:
    """One expectation, that nine photos break."""
    row = ("faces", "no_face_seldom", "source", "info", False, "photos", 94, 9, "x", "9 photos have no face.")
    return pd.DataFrame([row], columns=RESULTS.column_names)


def face_offenders() -> pd.DataFrame:
    rows = [("faces", "no_face_seldom", f"eval/images/{number:04x}.jpg", "found by <i>", None) for number in range(9)]
    return pd.DataFrame(rows, columns=OFFENDERS.column_names)


def boxes(catalog: pd.DataFrame) -> pd.DataFrame:
    """RetinaFace finds the `incorrect` photos, MTCNN all others but two: one is undersized, and one has no face.

    The third photo has two faces.
    """
    source = catalog["state"].map({"incorrect": "retinaface"}).fillna("mtcnn")
    source[:2] = "default"
    frame = catalog[["photo"]].assign(left=10, top=20, right=110, bottom=220, source=source, faces=1, score=0.875)
    face = {"face_left": 30, "face_top": 50, "face_right": 90, "face_bottom": 190}
    marks = {f"{mark}_{axis}": 60 for mark in LANDMARKS for axis in "xy"}
    frame = frame.assign(**face, **marks, undersized=frame.index == 0)
    frame.loc[1, ["score", *face, *marks]] = None
    frame["faces"] = [1, 0, 2] + [1] * (len(frame) - 3)
    return frame


def history() -> pd.DataFrame:
    """Three epochs, of which the second was kept."""
    return (
        pd.DataFrame(
            {
                "epoch": [1, 2, 3],
                "train_loss": [1.0, 0.5, 0.2],
                "valid_loss": [0.9, 0.4, 0.6],
                "macro_f1": [0.1, 0.2, 0.3],
            }
        )
        .assign(kept=[False, True, False])
        .assign(**dict.fromkeys(("learning_rate", "accuracy_mask", "accuracy_gender", "accuracy_age"), 0.5))
    )


def suspects() -> pd.DataFrame:
    """Two suspects."""
    photo = f"train/images/{PERSONS[3][0]}/normal.jpg"
    rows = [(photo, "003", "gender", "female", "male", 0.013), (photo, "003", "age", "<30", "30-59", 0.2)]
    return pd.DataFrame(rows, columns=SUSPECTS.column_names)


@pytest.fixture(scope="session")
def run(artifacts: dict[str, Artifact]) -> RunTables:
    return read_tables(artifacts, EXPERIMENT)


@pytest.fixture(scope="session")
def data(catalog: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> LocalFolder:
    """The folder of the photos: grey ones, of which one is gone."""
    folder = tmp_path_factory.mktemp("photos")
    for photo in catalog["photo"]:
        path = folder / photo
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(GREY)
    (folder / GONE).unlink()
    return LocalFolder(folder)


@pytest.fixture(scope="session")
def page(run: RunTables, data: LocalFolder) -> Page:
    return make_page(run, data)


@pytest.fixture(scope="session")
def html(page: Page) -> str:
    return render(page)
