import pytest
from pydantic import ValidationError

from expectations.settings import LabelSettings


def test_age_bounds_must_be_in_order() -> None:
    with pytest.raises(ValidationError, match=r"youngest \(61\) must not be above oldest \(60\)"):
        LabelSettings(youngest=61, oldest=60)
