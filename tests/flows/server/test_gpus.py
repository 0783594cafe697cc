"""Without a GPU on every machine that tests run on, a program that answers as NVIDIA's does."""

from pathlib import Path

import pytest

from flows.server import gpus
from flows.server.gpus import choose_gpus
from tasks.errors import ConfigError

LISTED = "0, GPU-aaaa\n1, GPU-bbbb"


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`nvidia-smi`, the only program there is, of a machine with two GPUs."""
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho '{LISTED}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return program


@pytest.mark.usefixtures("driver")
def test_auto_means_every_gpu() -> None:
    assert choose_gpus("auto") == ["0", "1"]


@pytest.mark.usefixtures("driver")
def test_auto_means_those_that_may_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-bbbb")
    assert choose_gpus("auto") == ["GPU-bbbb"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert choose_gpus("auto") == []


@pytest.mark.usefixtures("driver")
def test_gpus_are_chosen_by_number_or_uuid() -> None:
    assert choose_gpus("1, GPU-aaaa") == ["1", "GPU-aaaa"]


@pytest.mark.usefixtures("driver")
def test_gpu_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match="no GPU 2: the driver lists 2"):
        choose_gpus("0,2")


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize("names", ["0,0", "0,GPU-aaaa"])
def test_gpu_has_one_worker(names: str) -> None:
    with pytest.raises(ConfigError, match="named twice, such as"):
        choose_gpus(names)


@pytest.mark.usefixtures("driver")
def test_part_of_a_gpu_is_believed() -> None:
    assert choose_gpus("MIG-1234") == ["MIG-1234"]


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(("visible", "chosen"), [("-1", []), ("1,-1,0", ["1"])])
def test_what_follows_a_number_below_zero_is_hidden(
    visible: str, chosen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert choose_gpus("auto") == chosen


def test_driver_that_does_not_answer_is_told(driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "ANSWER_WITHIN", 0.2)
    driver.write_text("#!/bin/sh\nexec /bin/sleep 5\n")
    with pytest.raises(ConfigError, match="timed out"):
        choose_gpus("auto")


def test_machine_without_a_driver_has_no_gpu(driver: Path) -> None:
    driver.unlink()
    assert choose_gpus("auto") == []


def test_driver_that_is_broken_is_told(driver: Path) -> None:
    driver.write_text("#!/bin/sh\necho 'Failed to initialize NVML'\nexit 9\n")
    with pytest.raises(ConfigError, match="Failed to initialize NVML"):
        choose_gpus("auto")
