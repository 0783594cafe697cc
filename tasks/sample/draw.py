"""Drawing a whole data set."""

import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import ConfigError
from tasks.sample.flaws import PLANTERS, Flaw, plant_flaws
from tasks.sample.layout import PHOTOS_OF_PERSON, write_evaluation, write_training
from tasks.sample.settings import SampleSettings


@dataclass(frozen=True)
class SampleReceipt:
    """What was drawn."""

    people: int
    photos: int
    eval_photos: int
    flaws: tuple[Flaw, ...]


def draw_sample(folder: Path, settings: SampleSettings, kinds: Collection[str] = tuple(PLANTERS)) -> SampleReceipt:
    """Draw a data set into `folder`; the true classes of the photos to predict go to its answers.csv.

    Args:
        folder: must not exist yet, or be empty. It appears whole or not at all.
        settings: how large, and from which seed: the same seed gives the same bytes.
        kinds: which flaws are planted if the settings ask for flaws.

    Raises:
        ConfigError: there is something in the folder already, or a kind of flaw does not exist.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} is not empty. Name a new folder, or delete this one first.")
    unknown = sorted(set(kinds) - set(PLANTERS))
    if unknown:
        raise ConfigError(
            f"{len(unknown)} kinds of flaws do not exist, such as {unknown[0]!r}. There are: {', '.join(PLANTERS)}."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as drawing:
        unfinished = Path(drawing) / folder.name
        write_training(unfinished, settings.people, settings.seed)
        write_evaluation(unfinished, settings.eval, settings.seed)
        flaws = plant_flaws(unfinished, kinds, settings.seed) if settings.flaws else []
        unfinished.rename(folder)
    return SampleReceipt(settings.people, settings.people * PHOTOS_OF_PERSON, settings.eval, tuple(flaws))
