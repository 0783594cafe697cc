"""What the page of pictures shows: the photos that break a rule, and shares beside those of a reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from expectations.settings import SuiteName
from tasks.data_folder import DataFolder
from tasks.validate.docs.exhibits import Exhibit, Wall, choose_exhibits
from tasks.validate.docs.pictures import Picture, draw_pictures
from tasks.validate.docs.shares import Plot, compare_shares
from tasks.validate.run import Outcomes
from tasks.validate.tables import Validated


@dataclass(frozen=True)
class Gallery:
    """What the page of pictures shows.

    Attributes:
        walls: failed expectations with their offenders.
        pictures: the photos of these, by the photo.
        boxed: whether boxes are drawn on them.
        plots: shares of the new data beside those of a reference.
    """

    walls: Sequence[Wall] = ()
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    boxed: bool = False
    plots: Sequence[Plot] = ()

    @property
    def shown(self) -> set[str]:
        """Names of the expectations that it has pictures for."""
        return {wall.outcome.expectation for wall in self.walls} | {plot.expectation for plot in self.plots}

    def shows(self, exhibit: Exhibit) -> bool:
        """Whether any photo of an offender can be seen."""
        return any(self.pictures[photo].uri for photo in exhibit.captions)


def make_gallery(validated: Validated, outcomes: Outcomes, data: DataFolder) -> Gallery:
    """The pictures of what was validated, from the photos as they lie in `data`."""
    walls = choose_exhibits(outcomes, validated.rows)
    wanted = {photo for wall in walls for exhibit in wall.exhibits for photo in exhibit.captions}
    return Gallery(
        walls=walls,
        pictures=draw_pictures(data, _rows_of(wanted, validated.rows)) if wanted else {},
        boxed="faces" in validated.rows,
        plots=compare_shares(validated.rows["drift"], validated.shares) if "drift" in validated.rows else (),
    )


def _rows_of(wanted: set[str], tables: Mapping[SuiteName, pd.DataFrame]) -> pd.DataFrame:
    """A row for each photo. Where earlier data has it too, the new one: it comes first."""
    found = [rows[rows["photo"].isin(wanted)] for rows in tables.values()]
    return pd.concat(found).drop_duplicates("photo")
