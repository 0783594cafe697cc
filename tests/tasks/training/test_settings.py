import pytest
from pydantic import ValidationError

from tasks.training.settings import AgesSettings, TrainingSettings


@pytest.mark.parametrize("lines", [{"old_from": 20}, {"middle_from": 61}, {"middle_from": 60}])
def test_age_lines_that_are_out_of_order_are_an_error(lines: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match=r"middle_from \(\d+\) must be below old_from \(\d+\)"):
        AgesSettings.model_validate(lines)


def test_warmup_that_never_ends_is_an_error() -> None:
    with pytest.raises(ValidationError, match=r"schedule\.warmup \(3\) must be less than epochs \(3\)"):
        TrainingSettings.model_validate({"epochs": 3, "schedule": {"warmup": 3}})


def test_thawing_what_is_not_frozen_is_an_error() -> None:
    with pytest.raises(ValidationError, match="there is nothing to thaw"):
        TrainingSettings.model_validate({"thaw_after": 1})
    assert TrainingSettings.model_validate({"thaw_after": 1, "frozen": 2}).thaw_after == 1


@pytest.mark.parametrize("heads", [{"heads": "attributes"}, {"heads": "arcface", "hidden": 0}])
def test_computed_heads_that_are_not_linear_are_an_error(heads: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="hidden must be 0, and heads not arcface"):
        TrainingSettings.model_validate({"first_epoch": "discriminant", **heads})
    assert TrainingSettings.model_validate({"first_epoch": "discriminant", "heads": "classes"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": {"age": 1.0}}, r"loss\.age must be 0"),
        ({"epochs": 2, "schedule": {"warmup": 0.4}}, r"warmup \(0\.4\)"),
    ],
)
def test_what_computed_heads_would_not_read_is_an_error(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TrainingSettings.model_validate({"first_epoch": "discriminant", "hidden": 0, **change})
