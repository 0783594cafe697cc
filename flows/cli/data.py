"""Commands about data folders."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.cli.display import progress_display
from tasks.sample.settings import SampleSettings


def sample(folder: Path, /, *, settings: Annotated[SampleSettings, Parameter(name="*")] = SampleSettings()) -> None:
    """Draw a data set of people who do not exist, in the competition's layout.

    Args:
        folder: where to draw it; must not exist yet, or be empty.
        settings: how many, and which.
    """
    from tasks.sample.draw import draw_sample

    with progress_display():
        receipt = draw_sample(folder, settings)
    print(
        f"Drew {receipt.photos} photos of {receipt.people} people, and {receipt.eval_photos} to predict, in {folder}."
    )
