import re
from pathlib import Path

import pytest

from flows.experiments import experiment_name, resolve_experiment, shipped_experiments
from flows.params import DEFAULT_EXPERIMENT, Experiment
from tasks.errors import ConfigError


def written(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", shipped_experiments())
def test_every_shipped_experiment_is_valid_and_says_what_it_is_for(name: str) -> None:
    assert resolve_experiment(name, environment={}).about


def test_default_experiment_ships() -> None:
    assert DEFAULT_EXPERIMENT in shipped_experiments()


def test_overrides_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    path = written(tmp_path, "training: {epochs: 2, batch_size: 4, hidden: 16}")
    environment = {"FOLDLINE_TRAINING__EPOCHS": "3", "FOLDLINE_TRAINING__BATCH_SIZE": "8"}
    training = resolve_experiment(path, ["training.epochs=5"], environment).training
    assert (training.epochs, training.batch_size, training.hidden) == (5, 8, 16)
    assert training.optimiser == Experiment().training.optimiser


def test_later_override_wins_over_an_earlier_one() -> None:
    training = resolve_experiment("laptop", ["training.epochs=5", "training.epochs=6"], {}).training
    assert training.epochs == 6


def test_values_are_read_as_yaml() -> None:
    experiment = resolve_experiment(
        "laptop",
        [
            "training.schedule.milestones=[4, 8]",
            "training.optimiser.learning_rate=1e-4",
            "faces.detectors=[retinaface]",
        ],
        {},
    )
    assert experiment.training.schedule.milestones == (4, 8)
    assert experiment.training.optimiser.learning_rate == 1e-4
    assert experiment.faces.detectors == ("retinaface",)


def test_variables_that_are_no_settings_are_left_alone() -> None:
    environment = {"FOLDLINE_STORE": "x", "FOLDLINE_HOME": "y", "OTHER__THING": "1"}
    assert resolve_experiment("laptop", environment=environment) == resolve_experiment("laptop", environment={})


@pytest.mark.parametrize(
    ("override", "hint"),
    [
        ("training.epoch=3", "training.epoch is no setting. Did you mean training.epochs?"),
        ("traning.epochs=3", "traning.epochs is no setting. Did you mean training.epochs?"),
        ("training.learning_rte=1", "Did you mean training.optimiser.learning_rate?"),
        ("training.optimizer.clip=1", "Did you mean training.optimiser.clip?"),
        ("training.loss.gama=1", "Did you mean training.loss.gamma?"),
        ("training.mixup=1", "Did you mean training.augment.mixup?"),
        ("training.flip=1", "Did you mean training.augment.flip?"),  # not training.keep, as alike as a whole
        ("training.learning_rate=1", "Did you mean training.optimiser.learning_rate?"),
        ("training.optimizer=adam", "Did you mean training.optimiser?"),
        ("lr=1", "Did you mean training.optimiser.learning_rate?"),
        ("training.momentum=1", "training.momentum is no setting. Settings start with about, validation, "),
    ],
)
def test_mistyped_setting_is_an_error_that_suggests_the_right_one(override: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(hint)):
        resolve_experiment("laptop", [override], {})


def test_mistyped_environment_variable_is_an_error_too() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean training\.epochs\?"):
        resolve_experiment("laptop", environment={"FOLDLINE_TRAINING__EPOCS": "3"})


def test_all_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        resolve_experiment("laptop", ["training.epochs=0", "training.augment.flip=2", "folds.by=name"], {})
    message = str(raised.value)
    assert "has 3 wrong settings" in message
    assert "training.epochs = 0: Input should be greater than or equal to 1." in message
    assert "folds.by = 'name': Input should be 'person' or 'photo'." in message


@pytest.mark.parametrize(
    "override",
    [
        "training.std=[0, 1, 1]",
        "training.mean=[.nan, 0, 0]",
        "training.schedule.milestones=[0]",
        "folds.seed=4294967296",
    ],
)
def test_number_that_no_training_can_use_is_an_error(override: str) -> None:
    with pytest.raises(ConfigError, match="has 1 wrong settings"):
        resolve_experiment("laptop", [override], {})


def test_change_without_an_equals_sign_is_an_error_that_shows_how() -> None:
    with pytest.raises(ConfigError, match=r"1 changes are not of the form .* such as 'training\.epochs'"):
        resolve_experiment("laptop", ["training.epochs"], {})


def test_unknown_experiment_suggests_a_near_one() -> None:
    with pytest.raises(ConfigError, match=r"There is no experiment 'labtop'\. Did you mean laptop\?"):
        resolve_experiment("labtop", environment={})


@pytest.mark.parametrize(("text", "reason"), [("a: [", "is not YAML"), ("- a\n", "does not hold settings by step")])
def test_file_that_holds_no_settings_is_an_error(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        resolve_experiment(written(tmp_path, text), environment={})


@pytest.mark.parametrize("text", ["&a\nx: *a\n", "training: &t\n  epochs: *t\n"])
def test_group_that_contains_itself_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="has a group that contains itself"):
        resolve_experiment(written(tmp_path, text), environment={})


def test_group_given_as_a_single_value_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"training = 3: "):
        resolve_experiment("laptop", ["training=3"], {})


def test_experiment_is_called_after_its_file() -> None:
    assert experiment_name("some/where/mine.yaml") == "mine"
    assert experiment_name("laptop") == "laptop"


def test_part_of_a_default_group_can_be_changed_alone() -> None:
    centre = resolve_experiment("laptop", ["faces.centre.width=200"], {}).faces.centre
    assert (centre.height, centre.width) == (Experiment().faces.centre.height, 200)


def test_settings_that_contradict_each_other_are_told_in_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"- folds: 6 folds cannot get a model: 5 are not kept aside\.$"):
        resolve_experiment("laptop", ["folds.trained=6"], {})
