import pytest

from tasks.errors import (
    AlreadyExistsError,
    ConfigError,
    DataError,
    FoldlineError,
    GateError,
    NotInStoreError,
    StoreError,
    TrainingError,
    fault,
    raise_faults,
)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (ConfigError, ValueError),
        (DataError, ValueError),
        (GateError, RuntimeError),
        (TrainingError, RuntimeError),
        (StoreError, OSError),
        (AlreadyExistsError, FileExistsError),
        (NotInStoreError, FileNotFoundError),
    ],
)
def test_every_error_is_ours_and_also_the_fitting_builtin(error: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(error, FoldlineError)
    assert issubclass(error, builtin)


def test_fault_says_how_many_shows_one_and_says_what_to_do() -> None:
    assert str(fault("photos are torn", ["a.jpg", "b.jpg"], "Mend them.")[0]) == (
        "2 photos are torn, such as a.jpg. Mend them."
    )


def test_all_faults_come_in_one_error() -> None:
    faults = (*fault("photos are torn", ["a"], "Mend them."), *fault("rows are empty", [], ""), *fault("x", ["b"], "y"))
    with pytest.raises(DataError) as raised:
        raise_faults(faults, "The folder")
    assert str(raised.value).splitlines() == [
        "The folder:",
        "  - 1 photos are torn, such as a. Mend them.",
        "  - 1 x, such as b. y",
    ]


def test_no_fault_raises_nothing() -> None:
    raise_faults(fault("photos are torn", [], "Mend them."), "The folder")
