"""Everything that can be wrong, and which expectations it breaks."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import pandas as pd

from expectations.labels import LABELS
from expectations.settings import BalanceSettings
from tasks.classes import CLASS_COUNT, GENDERS, class_name
from tasks.validate.settings import Subject, SuiteSettings
from tests.tasks.validate.clean import CATALOG, CLEAN, IMAGES, OF_PERSON, TRAIN

Plant = Callable[[pd.DataFrame], pd.DataFrame]
Rows = Collection[int]
NEW = {"sha256": "f" * 64}
"""Bytes that no photo of the clean tables has."""


@dataclass(frozen=True)
class Flaw:
    """Something that is wrong with a table.

    Attributes:
        subject: whose clean table it is planted in.
        plant: what plants it in a copy of that table.
        broken: the expectations that must fail, and the keys of all that breaks them.
        settings: what is expected.
    """

    subject: Subject
    plant: Plant
    broken: Mapping[str, Collection[str]]
    settings: SuiteSettings = field(default_factory=SuiteSettings)


def change(rows: Rows, **values: object) -> Plant:
    """Gives rows other values."""

    def plant(table: pd.DataFrame) -> pd.DataFrame:
        for column, value in values.items():
            table.loc[list(rows), column] = value
        return table

    return plant


def copy(source: int, target: int) -> Plant:
    """Gives a photo the bytes of another."""
    return change([target], **CATALOG.loc[source, ["sha256", "phash"]].to_dict())


def drop(rows: Rows) -> Plant:
    """Leaves rows out."""
    return lambda table: table.drop(index=list(rows))


def add(rows: Rows, **values: object) -> Plant:
    """Adds copies of rows, with other values."""
    return lambda table: pd.concat([table, table.loc[list(rows)].assign(**values)], ignore_index=True)


def other_bytes(plant: Plant) -> Plant:
    """Plants the flaw in new data that has no photo of the reference."""
    return lambda table: plant(table.assign(sha256=table["data"] + table["photo"]))


def rows_of(**values: str) -> list[int]:
    """Training photos with these values."""
    return list(TRAIN.index[(TRAIN[list(values)] == pd.Series(values)).all(axis=1)])


def photos(rows: Rows) -> list[str]:
    return CATALOG["photo"].loc[list(rows)].tolist()


def grey(level: float, contrast: float) -> dict[str, float]:
    """Colours of a grey photo."""
    squares = {f"square_{channel}": level**2 + contrast**2 for channel in "rgb"}
    return squares | {f"mean_{channel}": level for channel in "rgb"}


def like(row: int, bits: int) -> str:
    """The perceptual hash of a photo, but for so many bits."""
    return f"{int(CATALOG.at[row, 'phash'], 16) ^ (1 << bits) - 1:064x}"


CLASSES = [class_name(number) for number in range(CLASS_COUNT)]
FIRST = range(OF_PERSON)
"""Photos of the first person: five with a mask, one with a mask worn wrongly, one without."""
OTHER = OF_PERSON
"""The first photo of the second person."""
PERSON, GROUP, AGE, CLASS = (CATALOG.at[0, column] for column in ("person", "group", "age", "class"))
OTHER_GROUP = CATALOG.at[OTHER, "group"]
GENDER = GENDERS[1 - GENDERS.index(CATALOG.at[0, "gender"])]
"""The gender that the first person does not have."""
OLDEST = rows_of(gender="male", age_group=">=60")[:OF_PERSON]
"""Photos of a man of 60."""
FEW_OLD_MEN = rows_of(gender="male", age_group=">=60")[4 * OF_PERSON :]
"""Photos of all men of 60 but four."""
RARE = rows_of(state="normal", gender="male", age_group=">=60")[:1]
"""More than 15 % of the photos of a class."""
EVAL = CATALOG.index[CATALOG["split"] == "eval"]
MANY = EVAL[: len(CATALOG) // 15]
"""More than 5 % of all photos, of no class."""
RARE_CLASS = class_name(int(CATALOG.at[RARE[0], "class"]))
MASK_MALE = rows_of(state="mask", gender="male", age_group="<30")

DATA_FLAWS = {
    # Without photos every class is too small, too.
    "no photos": Flaw("data", lambda table: table[:0], {"photos_exist": [], "class_photos": CLASSES}),
    # Then the person has eight photos, too.
    "a photo twice": Flaw(
        "data",
        add([0], **NEW, phash="0" * 64),
        {"photos_unique": photos([0, 0]), "photos_per_person": [PERSON]},
    ),
    **{
        f"no {label}": Flaw("data", change([0], **{label: pd.NA}), {f"{label}_given": photos([0])})
        for label in ("race", *LABELS)
        if label != "person"
    },
    "no person": Flaw("data", change(FIRST, person=pd.NA), {"person_given": photos(FIRST)}),
    "a state that is none": Flaw("data", change([0], state="maks"), {"state_known": photos([0])}),
    "a gender that is none": Flaw("data", change(FIRST, gender="man"), {"gender_known": photos(FIRST)}),
    # What is none cannot be the right one.
    "an age group that is none": Flaw(
        "data", change([0], age_group="30s"), {"age_group_known": photos([0]), "age_group_derived": photos([0])}
    ),
    "a class that is none": Flaw(
        "data", change([0], **{"class": 18}), {"class_known": photos([0]), "class_derived": photos([0])}
    ),
    # What is impossible is unusual.
    "nobody is that old": Flaw(
        "data", change(OLDEST, age=130), {"age_possible": photos(OLDEST), "age_usual": photos(OLDEST)}
    ),
    "somebody older than usual": Flaw("data", change(OLDEST, age=61), {"age_usual": photos(OLDEST)}),
    "two genders": Flaw(
        "data",
        change([0], gender=GENDER, **{"class": (CLASS + 3) % 6}),
        {"gender_constant": [PERSON]},
    ),
    "two ages": Flaw("data", change([0], age=AGE + 1), {"age_constant": [PERSON]}),
    # The folder cannot say both.
    "two races": Flaw("data", change([0], race="none"), {"race_constant": [PERSON], "folder_matches": [PERSON]}),
    "two persons with one id": Flaw(
        "data",
        change(FIRST, person=PERSON.replace(GROUP, f"{OTHER_GROUP}-1"), group=OTHER_GROUP),
        {"ids_unique": [OTHER_GROUP]},
    ),
    "a photo too few": Flaw("data", drop([0]), {"photos_per_person": [PERSON]}),
    "two photos without a mask": Flaw("data", change([5], given_state="normal"), {"photos_per_person": [PERSON]}),
    "a folder of another age": Flaw(
        "data", change(FIRST, person=f"{PERSON[:-2]}{AGE + 1}"), {"folder_matches": [f"{PERSON[:-2]}{AGE + 1}"]}
    ),
    "a folder of another form": Flaw("data", change(FIRST, person="anna"), {"folder_matches": ["anna"]}),
    "an age group of another age": Flaw(
        "data",
        change(OLDEST, age_group="30-59", **{"class": CATALOG["class"] - 1}),
        {"age_group_derived": photos(OLDEST)},
    ),
    "a class of other attributes": Flaw("data", change([0], **{"class": 17 - CLASS}), {"class_derived": photos([0])}),
    "a class too small": Flaw("data", drop(FEW_OLD_MEN), {"class_photos": [class_name(8), class_name(14)]}),
    "a class rare beside the commonest": Flaw(
        "data",
        drop(FEW_OLD_MEN),
        {"class_ratio": [class_name(8), class_name(14)]},
        SuiteSettings(balance=BalanceSettings(min_photos=0, min_ratio=0.06)),
    ),
    "a photo that cannot be decoded": Flaw(
        "data",
        change([0], problem="cut off", width=0, height=0, sharpness=0, phash=pd.NA),
        {"decodable": photos([0])},
    ),
    # Small, wide and high photos have another size, too.
    "a small photo": Flaw(
        "data", change([0], width=72, height=96), {"side_enough": photos([0]), "one_size": photos([0])}
    ),
    "a wide photo": Flaw(
        "data", change([0], width=800, height=400), {"aspect_usual": photos([0]), "one_size": photos([0])}
    ),
    "a high photo": Flaw(
        "data", change([0], width=200, height=500), {"aspect_usual": photos([0]), "one_size": photos([0])}
    ),
    "a photo of another size": Flaw("data", change([0], width=385), {"one_size": photos([0])}),
    "a dark photo": Flaw(
        "data",
        change([0], **grey(0.02, contrast=0.1)),
        {"brightness_usual": photos([0])},
    ),
    "a bright photo": Flaw(
        "data",
        change([0], **grey(0.95, contrast=0.1)),
        {"brightness_usual": photos([0])},
    ),
    "a blank photo": Flaw(
        "data",
        change([0], **grey(0.5, contrast=0.01)),
        {"contrast_enough": photos([0])},
    ),
    "a blurred photo": Flaw("data", change([0], sharpness=1.0), {"sharp_enough": photos([0])}),
    "a photo copied within a person": Flaw("data", copy(0, 1), {"no_copies_person": photos([1])}),
    "a photo copied to another person": Flaw("data", copy(0, OTHER), {"no_copies_persons": photos([OTHER])}),
    "a photo to predict that is learnt from": Flaw("data", copy(0, EVAL[0]), {"no_copies_splits": photos([EVAL[0]])}),
    "a photo saved again within a person": Flaw(
        "data", change([1], phash=like(0, 10)), {"no_lookalikes_person": photos([1])}
    ),
    "a photo saved again for another person": Flaw(
        "data", change([OTHER], phash=like(0, 0)), {"no_lookalikes_persons": photos([OTHER])}
    ),
    "a photo to predict that looks like one that is learnt from": Flaw(
        "data", change([EVAL[0]], phash=like(0, 3)), {"no_lookalikes_splits": photos([EVAL[0]])}
    ),
}

TROUBLES: dict[str, dict[str, object]] = {
    "no_face": {"source": "default", "faces": 0},
    "several_faces": {"faces": 2},
    "tiny_face": {"source": "default", "undersized": True},
    "cut_off": {"right": 384},
}
FACE_FLAWS = {
    **{
        f"{trouble} often": Flaw("faces", change(MANY, **values), {f"{trouble}_seldom": photos(MANY)})
        for trouble, values in TROUBLES.items()
    },
    **{
        f"{trouble} in one class": Flaw("faces", change(RARE, **values), {f"{trouble}_in_no_class": [RARE_CLASS]})
        for trouble, values in TROUBLES.items()
    },
    "two detectors": Flaw(
        "faces", change(range(0, len(CATALOG), 2), source="mtcnn"), {"first_detector": ["retinaface"]}
    ),
}

FOLDS = CLEAN["folds"]["fold"]
APART = int(FOLDS.ne(FOLDS[0]).argmax())
"""A photo in another fold than the first."""
FOLD_FLAWS = {
    "a person in two folds": Flaw("folds", change([0], fold=FOLDS[APART]), {"person_in_one_fold": [GROUP]}),
    "a photo that looks like one of another fold": Flaw(
        "folds", change([APART], phash=like(0, 10)), {"lookalikes_in_one_fold": photos([APART])}
    ),
    "a fold of men and one of women": Flaw(
        "folds",
        lambda table: table.assign(fold=table["gender"].eq("male").astype("int16")),
        {"folds_alike": ["fold 0", "fold 1"]},
    ),
}

LAST = len(IMAGES) - 1
ANSWERS = CLEAN["submission"]["answer"]
SUBMISSION_FLAWS = {
    "no row for an image": Flaw(
        "submission", change([LAST], image=pd.NA, answer=pd.NA), {"images_answered": IMAGES[LAST:]}
    ),
    "an image twice": Flaw(
        "submission", change([LAST], image=IMAGES[0]), {"images_answered": [IMAGES[LAST], IMAGES[0]]}
    ),
    "an image that nobody asks for": Flaw(
        "submission", add([0], image="more.jpg", expected=pd.NA), {"images_answered": ["more.jpg"]}
    ),
    "two images that have changed places": Flaw(
        "submission", change([0, 1], image=IMAGES[1::-1]), {"images_in_order": IMAGES[:2]}
    ),
    "an answer that is no class": Flaw("submission", change([0], answer="18"), {"answers_in_range": IMAGES[:1]}),
    "no answer": Flaw("submission", change([0], answer=pd.NA), {"answers_in_range": IMAGES[:1]}),
    "a class never predicted": Flaw(
        "submission", change(ANSWERS.index[ANSWERS.eq("17")], answer="16"), {"classes_predicted": [class_name(17)]}
    ),
    "one class predicted everywhere": Flaw(
        "submission",
        change(ANSWERS.index[ANSWERS.duplicated()], answer="0"),
        {"predicted_shares": CLASSES},
    ),
}

DRIFT_FLAWS = {
    "other classes": Flaw("drift", change(MASK_MALE, **{"class": 1}), {"class_shares": [class_name(0), class_name(1)]}),
    # Of photos with the same bytes other labels would be told, too.
    "other states": Flaw(
        "drift",
        other_bytes(change(MASK_MALE, state="normal")),
        {"state_shares": ["mask", "normal"]},
    ),
    "other genders": Flaw(
        "drift",
        other_bytes(change(MASK_MALE, gender="female")),
        {"gender_shares": ["female", "male"]},
    ),
    "other age groups": Flaw("drift", change(MASK_MALE, age_group=">=60"), {"age_group_shares": ["<30", ">=60"]}),
    "brighter photos to predict": Flaw(
        "drift",
        change(EVAL, **grey(0.6, contrast=0.1)),
        {"brightness_steady": ["eval"]},
    ),
    "other sizes": Flaw("drift", change(EVAL, width=400), {"sizes_steady": ["384x512", "400x512"]}),
    "a person gone": Flaw("drift", drop(FIRST), {"persons_kept": [PERSON]}),
    "a new person": Flaw("drift", add(FIRST, person="new", **NEW), {"persons_known": ["new"]}),
    "another age": Flaw("drift", change([0], age=AGE + 1), {"labels_kept": photos([0])}),
}

FLAWS = DATA_FLAWS | FACE_FLAWS | FOLD_FLAWS | SUBMISSION_FLAWS | DRIFT_FLAWS
