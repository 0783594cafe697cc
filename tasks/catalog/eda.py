"""Figures that describe a data set: what people look at before they train."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pydantic import JsonValue

from tasks.classes import AGE_GROUPS, CLASS_COUNT, GENDERS, STATES


def describe(catalog: pd.DataFrame) -> dict[str, JsonValue]:
    """Figures of a catalog: counts, shares of the training photos, colours and sizes of all photos."""
    train = catalog[catalog["split"] == "train"]
    persons = train.drop_duplicates("person")
    decoded = catalog[catalog["problem"].isna()]
    return {
        "photos": {"train": len(train), "eval": len(catalog) - len(train)},
        "persons": len(persons),
        "class": _shares(train["class"], range(CLASS_COUNT)),
        "mask": _shares(train["state"], STATES),
        "gender": _shares(persons["gender"], GENDERS),
        "age_group": _shares(persons["age_group"], AGE_GROUPS),
        "persons_by_age": {str(age): int(n) for age, n in persons["age"].value_counts().sort_index().items()},
        "rgb": _colours(decoded),
        "sizes": _sizes(decoded),
    }


def _shares(values: "pd.Series[str]", expected: Sequence[object]) -> dict[str, JsonValue]:
    shares = values.value_counts(normalize=True)
    return {str(value): round(float(shares.get(value, 0.0)), 6) for value in expected}


def _colours(catalog: pd.DataFrame) -> dict[str, JsonValue]:
    """Mean and standard deviation of every channel over all pixels, 0..1, each photo weighted by its area."""
    area = (catalog["width"] * catalog["height"]).to_numpy(dtype=np.float64)
    weight = area / max(area.sum(), 1.0)
    mean = [float(weight @ catalog[f"mean_{channel}"]) for channel in "rgb"]
    square = [float(weight @ catalog[f"square_{channel}"]) for channel in "rgb"]
    deviation = [float(np.sqrt(max(0.0, s - m * m))) for m, s in zip(mean, square, strict=True)]
    return {"mean": [round(value, 6) for value in mean], "std": [round(value, 6) for value in deviation]}


def _sizes(catalog: pd.DataFrame) -> dict[str, JsonValue]:
    """Number of photos by size, ``width x height``, the commonest first."""
    sizes = catalog["width"].astype(str) + "x" + catalog["height"].astype(str)
    return {str(size): int(count) for size, count in sizes.value_counts().items()}
