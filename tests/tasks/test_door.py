"""What a real server of Prefect is told while the step of a task works."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep

import pytest
from httpx import ConnectError, Request, Response
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import Artifact
from prefect.context import SyncClientContext
from prefect.exceptions import PrefectHTTPStatusError
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from tasks import door
from tasks.door import figure_table, reporting_to_prefect, step_task
from tasks.errors import DataError, DeviceError, StoreError, StoreUnavailableError
from tasks.progress import progress, reporting_to, say
from tests.notebook import Notebook

NOWHERE = "http://127.0.0.1:1/api"


@pytest.fixture(scope="module", autouse=True)
def prefect_server() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "SEND_EVERY", 0.1)
    monkeypatch.setattr(door, "LOG_EVERY", 0.2)


def run_in_task(step: Callable[[], None]) -> list[str]:
    """Do `step` in a task of a flow; returns the lines of the task's log."""

    @task
    def work() -> None:
        step()

    @flow
    def chain() -> None:
        work()

    state = chain(return_state=True)
    APILogHandler().flush()
    run = state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        logs = client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run])))
    state.result()
    return [log.message for log in logs if log.name == "prefect.task_runs"]


def shown(key: str) -> list[Artifact]:
    """The artifacts that the server has under `key`."""
    with get_client(sync_client=True) as client:
        return client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))


@contextmanager
def prefect_away() -> Iterator[None]:
    """No server is found inside the block, but the run around it keeps its own."""
    kept = SyncClientContext.__var__.set(None)
    try:
        with temporary_settings({PREFECT_API_URL: NOWHERE}):
            yield
    finally:
        SyncClientContext.__var__.reset(kept)


def wait_until(happened: Callable[[], object]) -> None:
    for _ in range(200):
        if happened():
            return
        sleep(0.05)
    pytest.fail("waited 10 s")


def test_artifact_follows_the_step_and_ends_at_100() -> None:
    def step() -> None:
        with reporting_to_prefect("followed"), progress("Fold 0", 8) as advance:
            advance(2, "loss 0.412")
            wait_until(lambda: [artifact.data for artifact in shown("followed")] == [25])
            advance(5)

    run_in_task(step)
    (artifact,) = shown("followed")
    assert (artifact.type, artifact.data, artifact.description) == ("progress", 100, "Fold 0, loss 0.412")
    assert artifact.task_run_id


def test_all_stretches_of_a_step_share_one_artifact() -> None:
    def step() -> None:
        with reporting_to_prefect("shared"):
            for epoch in (1, 2):
                with progress(f"Epoch {epoch}", 4) as advance:
                    advance(epoch)
                    wait_until(lambda: [artifact.data for artifact in shown("shared")] == [25 * epoch])  # noqa: B023

    run_in_task(step)
    assert [artifact.description for artifact in shown("shared")] == ["Epoch 2"]


def test_failed_step_leaves_its_artifact_where_it_was() -> None:
    def step() -> None:
        with reporting_to_prefect("failed"), progress("Fold 0", 8) as advance:
            advance(2)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run_in_task(step)
    assert [artifact.data for artifact in shown("failed")] == [25]


def test_step_that_has_nothing_to_do_has_no_artifact() -> None:
    def step() -> None:
        with reporting_to_prefect("reused"):
            say("found in the store")

    assert "found in the store" in run_in_task(step)
    assert shown("reused") == []


def test_who_listened_before_hears_everything_still() -> None:
    notebook = Notebook()

    def step() -> None:
        with reporting_to_prefect("heard"), progress("Fold 0", 8) as advance:
            advance(8, "loss 0.412")
            say("done")

    with reporting_to(notebook):
        run_in_task(step)
    assert notebook.lines == ["Fold 0 8", "+8 loss 0.412", "done", "end"]


def test_log_tells_now_and_then_how_far_the_step_is() -> None:
    def step() -> None:
        with reporting_to_prefect("logged"), progress("Fold 0", 100) as advance:
            advance(1, "loss 0.412")
            sleep(1)

    lines = run_in_task(step)
    assert lines.count("Fold 0, loss 0.412: 1 of 100") == 1


def test_step_goes_on_without_prefect_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    def step() -> None:
        with prefect_away(), reporting_to_prefect("away"), progress("Fold 0", 3) as advance:
            for _ in range(3):
                advance(1)
                sleep(0.3)

    run_in_task(step)
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "the step goes on: " in warning.message
    assert shown("away") == []


def test_figures_are_rows_and_one_with_parts_is_several() -> None:
    assert figure_table({"photos": {"train": 84, "eval": 14}, "held_out": 7}) == [
        {"figure": "photos, train", "value": "84"},
        {"figure": "photos, eval", "value": "14"},
        {"figure": "held out", "value": "7"},
    ]


def attempts_at(error: Exception | None, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often a step is tried that fails the first time with this error."""
    monkeypatch.setattr(door, "FIRST_PAUSE", 0)
    tries: list[int] = []

    @step_task("step")
    def step() -> None:
        tries.append(1)
        if error and len(tries) == 1:
            raise error

    @flow
    def chain() -> None:
        step()

    chain(return_state=True)
    return len(tries)


def answered(status: int) -> PrefectHTTPStatusError:
    request = Request("POST", "http://127.0.0.1/api/artifacts/")
    return PrefectHTTPStatusError("no", request=request, response=Response(status, request=request))


@pytest.mark.parametrize(
    "error",
    [StoreUnavailableError("away"), ConnectError("refused"), answered(500)],
    ids=["store", "Prefect", "Prefect's database"],
)
def test_step_is_tried_again_when_somebody_was_away(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    assert attempts_at(error, monkeypatch) == 2


@pytest.mark.parametrize(
    "error",
    [DataError("torn"), StoreError("no right to write"), DeviceError("sick"), ZeroDivisionError(), answered(422)],
    ids=["bad data", "no right", "sick device", "bug", "a request that Prefect refuses"],
)
def test_step_is_not_tried_again_where_that_cannot_help(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    assert attempts_at(error, monkeypatch) == 1
