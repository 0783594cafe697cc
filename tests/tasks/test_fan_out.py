"""What calls are spread over; that they are, `tests/e2e/test_crop.py` sees."""

import sys

import pytest

from tasks.errors import ConfigError
from tasks.fan_out import VARIABLE, fan_out, runner_name


def test_threads_are_what_nobody_has_to_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runner_name() == "threads"
    monkeypatch.setenv(VARIABLE, "")
    assert runner_name() == "threads"
    monkeypatch.setenv(VARIABLE, "ray")
    assert runner_name() == "ray"


def test_runner_that_does_not_exist_is_told_with_those_that_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "dask")
    with pytest.raises(ConfigError, match="is 'dask'; it can be threads, processes, ray"):
        runner_name()


def test_ray_that_is_not_installed_is_told_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect import task

    @task
    def look() -> None:
        """Nothing."""

    monkeypatch.setenv(VARIABLE, "ray")
    monkeypatch.setitem(sys.modules, "prefect_ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'foldline\[ray\]'"):
        list(fan_out(look, [{}], threads=1))
