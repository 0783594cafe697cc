import sys
from pathlib import Path

import pytest

from tasks.errors import ConfigError
from tasks.training.curves import curves

EPOCH = {"epoch": 1, "train_loss": 2.5, "macro_f1": 0.25}


def drawn(folder: Path, figure: str) -> list[tuple[int, float]]:
    """Steps and values of a curve, as TensorBoard reads them."""
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    return [(point.step, point.value) for point in module.EventAccumulator(str(folder)).Reload().Scalars(figure)]


def test_every_figure_of_an_epoch_becomes_a_point_as_soon_as_it_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    monkeypatch.setenv("FOLDLINE_TENSORBOARD", str(tmp_path))
    with curves("fold-0") as draw:
        draw(EPOCH)
        assert drawn(tmp_path / "fold-0", "macro_f1") == [(1, 0.25)]
        draw({**EPOCH, "epoch": 2, "train_loss": 1.5})
    assert drawn(tmp_path / "fold-0", "train_loss") == [(1, 2.5), (2, 1.5)]


def test_resumed_training_goes_on_with_the_curve_of_the_interrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    monkeypatch.setenv("FOLDLINE_TENSORBOARD", str(tmp_path))
    for loss, epochs in ((2.5, (1, 2, 3)), (1.5, (2, 3))):
        with curves("fold-0") as draw:
            for epoch in epochs:
                draw({"epoch": epoch, "train_loss": loss})
    assert drawn(tmp_path / "fold-0", "train_loss") == [(1, 2.5), (2, 1.5), (3, 1.5)]


def test_nothing_is_loaded_or_written_if_nobody_wants_curves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # any import of it fails
    with curves("fold-0") as draw:
        draw(EPOCH)
    assert list(tmp_path.iterdir()) == []


def test_curves_without_tensorboard_are_refused_before_any_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLDLINE_TENSORBOARD", str(tmp_path))
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # as Python has it where it is not installed
    with pytest.raises(ConfigError, match=r"not installed.*foldline\[tensorboard\]"), curves("fold-0"):
        pytest.fail("training began")


def test_place_where_no_curves_can_be_written_is_refused_before_any_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    (tmp_path / "curves").write_text("a file")
    monkeypatch.setenv("FOLDLINE_TENSORBOARD", str(tmp_path / "curves"))
    message = r"FOLDLINE_TENSORBOARD names .*curves', where no curves can be written"
    with pytest.raises(ConfigError, match=message), curves("fold-0"):
        pytest.fail("training began")
