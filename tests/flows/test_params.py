from collections.abc import Iterator

import pytest
from pydantic import BaseModel, ValidationError

from flows.params import Experiment, RetrainParams, ValidateParams


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str | None]]:
    """Every field below a model, by path, with its description."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}", field.description
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{prefix}{name}.")


@pytest.mark.parametrize("model", [Experiment, RetrainParams, ValidateParams])
def test_every_parameter_is_described(model: type[BaseModel]) -> None:
    assert [name for name, description in fields(model) if not description] == []


@pytest.mark.parametrize("model", [Experiment, RetrainParams, ValidateParams])
def test_parameters_are_frozen_and_know_no_strangers(model: type[BaseModel]) -> None:
    assert model.model_config["frozen"]
    assert model.model_config["extra"] == "forbid"


def test_experiment_has_a_default_for_everything() -> None:
    assert Experiment() == Experiment.model_validate({})


def test_data_must_be_named() -> None:
    with pytest.raises(ValidationError, match="at least 1 character"):
        RetrainParams(data="")
