"""Finding an experiment and settling what it says: the one function that states precedence."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from flows.params import Experiment
from flows.shipped import FOLDER, shipped_experiments
from tasks.errors import ConfigError, fault, raise_faults

PREFIX, SEPARATOR = "FOLDLINE_", "__"
"""An environment variable that changes an experiment: FOLDLINE_TRAINING__EPOCHS=3."""
LIKE_ENOUGH = 0.7
"""Likeness of two names, 0 to 1, from which one is suggested for the other: learning_rte is 0.96 like learning_rate."""

Layer = dict[str, Any]


def resolve_experiment(
    experiment: str, overrides: Sequence[str] = (), environment: Mapping[str, str] = os.environ
) -> Experiment:
    """The experiment of that name or path; later layers win: defaults < YAML file < environment < overrides.

    Args:
        experiment: name of a shipped experiment, or path of a YAML file.
        overrides: changes, each ``step.setting=value``.
        environment: variables such as ``FOLDLINE_TRAINING__EPOCHS``.

    Raises:
        ConfigError: there is no such experiment, or a layer says something that is wrong; the message lists all of it.
    """
    settings: Layer = Experiment().model_dump(mode="json")
    for layer in (_file_layer(experiment), _environment_layer(environment), _override_layer(overrides)):
        settings = _merged(settings, layer)
    _refuse_cycles(settings, experiment)
    try:
        return Experiment.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(_explain(error, experiment)) from error


def experiment_name(experiment: str) -> str:
    """Short name of an experiment given by name or path."""
    return Path(experiment).stem


def _file_layer(experiment: str) -> Layer:
    path = Path(experiment) if experiment.endswith((".yaml", ".yml")) else FOLDER / f"{experiment}.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        names = shipped_experiments()
        close = get_close_matches(experiment, names, 1)
        hint = (
            f"Did you mean {close[0]}?" if close else f"There are: {', '.join(names)}; or give the path of a YAML file."
        )
        raise ConfigError(f"There is no experiment {experiment!r}. {hint}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {error}. Mend it, or start from experiments/laptop.yaml.") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} does not hold settings by step. Start from experiments/laptop.yaml.")
    return content


def _environment_layer(environment: Mapping[str, str]) -> Layer:
    layer: Layer = {}
    for variable, value in environment.items():
        if variable.startswith(PREFIX) and SEPARATOR in variable:
            keys = variable.removeprefix(PREFIX).lower().split(SEPARATOR)
            layer = _merged(layer, _nested(keys, _parsed(value)))
    return layer


def _override_layer(overrides: Sequence[str]) -> Layer:
    raise_faults(
        fault(
            "changes are not of the form step.setting=value",
            [repr(text) for text in overrides if "=" not in text],
            "Write for example training.epochs=3.",
        ),
        "The experiment cannot be changed like this",
        ConfigError,
    )
    layer: Layer = {}
    for override in overrides:
        key, _, value = override.partition("=")
        layer = _merged(layer, _nested(key.strip().split("."), _parsed(value)))
    return layer


def _parsed(value: str) -> Any:  # noqa: ANN401 - YAML can say anything; the model checks it
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        return value


def _nested(keys: Sequence[str], value: Any) -> Layer:  # noqa: ANN401
    for key in reversed(keys):
        value = {key: value}
    return dict(value)


def _merged(lower: Layer, upper: Layer) -> Layer:
    """`lower` with everything that `upper` says, group by group."""
    result = dict(lower)
    for key, value in upper.items():
        both_groups = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both_groups else value
    return result


def _refuse_cycles(settings: Layer, experiment: str) -> None:
    """YAML's aliases can make a group part of itself, which would be looked through for ever."""
    try:
        json.dumps(settings, default=str, skipkeys=True)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"The experiment {experiment} has a group that contains itself. Write it out.") from error


def _explain(error: ValidationError, experiment: str) -> str:
    lines = [f"The experiment {experiment} has {error.error_count()} wrong settings:"]
    for problem in error.errors(include_url=False):
        key = ".".join([*map(str, problem["loc"]), *_first_path(problem["input"])])
        if problem["type"] == "value_error":  # of several settings together
            lines.append(f"  - {'.'.join(map(str, problem['loc']))}: {problem['ctx']['error']}.")
        elif problem["type"] == "extra_forbidden":
            meant = _meant(key)
            hint = f"Did you mean {meant}?" if meant else f"Settings start with {', '.join(Experiment.model_fields)}."
            lines.append(f"  - {key} is no setting. {hint}")
        else:
            lines.append(f"  - {key} = {problem['input']!r}: {problem['msg']}.")
    return "\n".join(lines)


def _meant(key: str) -> str | None:
    """The setting that was probably meant: of those whose last part, the name, is like that of `key`, the likest."""
    name = _last(key)
    likely = [known for known in _known_keys(Experiment) if _likeness(name, _last(known)) >= LIKE_ENOUGH]
    return max(
        likely,
        key=lambda known: _likeness(name, _last(known)) + SequenceMatcher(None, key, known).ratio(),
        default=None,
    )


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _likeness(typed: str, name: str) -> float:
    """0 to 1, which the initials of the name earn too: lr is learning_rate."""
    initials = "".join(word[:1] for word in name.split("_"))
    return 1.0 if typed == initials else SequenceMatcher(None, typed, name).ratio()


def _first_path(value: object) -> Iterator[str]:
    """Keys on the way to the first value inside nested groups; none if `value` is no group."""
    while isinstance(value, dict) and value:
        key, value = next(iter(value.items()))
        yield str(key)


def _known_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every setting and every group of them."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _known_keys(field.annotation, f"{prefix}{name}.")
