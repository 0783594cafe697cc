import pandas as pd
import pytest

from tests.tasks.validate.clean import CATALOG


@pytest.fixture
def catalog() -> pd.DataFrame:
    """A catalog in which nothing is wrong, to plant something in."""
    return CATALOG.copy()
