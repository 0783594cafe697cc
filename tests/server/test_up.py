"""`foldline up`, `foldline deploy` and `foldline workers`, as people use them."""

import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Scheduled

from flows.retrain import SKIPPED
from flows.server.keeper import TOO_LATE, look_after_runs
from tests.server.stack import Stack, small_retrain, wait_for

SICK = """
import os, sys
from importlib.abc import MetaPathFinder


class Hook(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "tasks.training.fold":
            return None
        sys.meta_path.remove(self)
        import tasks.training.preflight as preflight
        from tasks.errors import DeviceError

        def check_device(device):
            raise DeviceError("1 trial computations fail on the GPU, such as a convolution.")

        preflight.check_device = check_device
        return None


if os.environ.get("FOLDLINE_SICK_DEVICE_NOTE", "").endswith("slot-0"):
    sys.meta_path.insert(0, Hook())
"""
"""A `sitecustomize` by which the device of the worker `slot-0` computes wrongly."""


def own_stack(folder: Path, sample_data: Path, variables: dict[str, str] | None = None) -> Stack:
    (folder / "data").symlink_to(sample_data)
    return Stack(folder, variables or {})


def test_server_that_knows_everything_is_told_nothing(stack: Stack) -> None:
    said = stack.cli("deploy").splitlines()
    assert len(said) == 1
    assert "The server knows" in said[0]


def test_what_has_changed_is_said_and_what_was_said_earlier_stays(stack: Stack) -> None:
    said = stack.cli("deploy", FOLDLINE_DATA="photos")
    assert "deployment retrain: parameters.params.data was None, is 'photos'" in said
    assert "deployment train-fold" not in said
    said = stack.cli("deploy", FOLDLINE_DATA="data")
    assert "deployment retrain: parameters.params.data was 'photos', is 'data'" in said
    assert len(stack.cli("deploy").splitlines()) == 1
    with stack.client() as client:
        retrain = client.read_deployment_by_name("retrain/retrain")
    assert retrain.job_variables["working_dir"] == str(stack.folder)
    assert retrain.parameters == {"params": {"data": "data"}}


def test_schedule_that_a_person_has_turned_on_stays_on(stack: Stack) -> None:
    with stack.client() as client:
        deployment = client.read_deployment_by_name("retrain/retrain")
        (nightly,) = deployment.schedules
        assert not nightly.active
        client.update_deployment_schedule(deployment.id, nightly.id, active=True)
        stack.cli("deploy", FOLDLINE_TIMEZONE="Europe/Berlin")
        (nightly,) = client.read_deployment_by_name("retrain/retrain").schedules
        assert nightly.active
        assert nightly.schedule.timezone == "Europe/Berlin"  # type: ignore[union-attr]
        client.update_deployment_schedule(deployment.id, nightly.id, active=False)
    stack.cli("deploy")


def test_nightly_run_that_nobody_could_take_is_given_up_and_one_that_a_person_started_is_not(stack: Stack) -> None:
    with stack.client() as client:
        deployment = client.read_deployment_by_name("retrain/retrain")
        (nightly,) = deployment.schedules
        client.update_deployment_schedule(deployment.id, nightly.id, active=True)
        of_tonight = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment.id]))
        wait_for(lambda: any(run.auto_scheduled for run in client.read_flow_runs(flow_run_filter=of_tonight)), 90)
        night = next(run for run in client.read_flow_runs(flow_run_filter=of_tonight) if run.auto_scheduled)
        due = night.expected_start_time
        assert due
        started = client.create_flow_run_from_deployment(deployment.id, parameters={"params": small_retrain()})
        for run in (night, started):
            client.set_flow_run_state(run.id, Scheduled(name="Late", scheduled_time=due), force=True)
        look_after_runs(client, due + TOO_LATE / 2, due + TOO_LATE / 2)
        assert client.read_flow_run(night.id).state_name == "Late"
        look_after_runs(client, due + 2 * TOO_LATE, due + 2 * TOO_LATE)
        assert [client.read_flow_run(run.id).state_name for run in (night, started)] == ["Cancelled", "Late"]
        client.update_deployment_schedule(deployment.id, nightly.id, active=False)
        client.delete_flow_run(started.id)


def test_rule_that_a_person_has_turned_off_stays_off(stack: Stack) -> None:
    with stack.client() as client:
        (rule,) = client.read_automations_by_name("foldline: tell of failures")
        client.pause_automation(rule.id)
        stack.cli("deploy")
        (rule,) = client.read_automations_by_name("foldline: tell of failures")
        assert not rule.enabled
        client.resume_automation(rule.id)


def test_port_that_is_taken_is_told(stack: Stack) -> None:
    said = stack.cli("up", "--port", str(stack.port), status=2, PREFECT_API_URL="")
    assert f"Port {stack.port} cannot be used" in said


def test_up_is_not_for_a_server_that_is_elsewhere(stack: Stack) -> None:
    assert "names a server already" in stack.cli("up", status=2)


def test_workers_and_deploy_need_to_know_the_server(stack: Stack) -> None:
    for command in ("workers", "deploy"):
        assert "PREFECT_API_URL must name a server" in stack.cli(command, status=2, PREFECT_API_URL="")


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"PREFECT_API_URL": "http://127.0.0.1:1/api"}, "no server answers"),
        ({"FOLDLINE_TIMEZONE": "Mars/Phobos"}, "no time zone Mars/Phobos"),
        ({"FOLDLINE_NOTIFY": "slack-webhook/nobody"}, "the server has no such block"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(stack: Stack, variables: dict[str, str], told: str) -> None:
    status = 1 if "PREFECT_API_URL" in variables else 2
    said = stack.cli("deploy", status=status, **variables)
    assert told in said
    assert "Traceback" not in said


def test_url_of_a_server_that_is_not_its_api_is_told(stack: Stack) -> None:
    assert "Does the URL end in /api?" in stack.cli("deploy", status=1, PREFECT_API_URL=stack.api.removesuffix("/api"))


@pytest.mark.parametrize("port", ["0", "70000", "x"])
def test_port_that_is_none_is_told(stack: Stack, port: str) -> None:
    assert "Traceback" not in stack.cli("up", "--port", port, status=2)


def test_machine_without_a_gpu_is_told_of_slots(stack: Stack) -> None:
    assert "`--slots N`" in stack.cli("workers", status=2, PATH="/nowhere")


def test_ctrl_c_leaves_no_process_and_the_next_start_goes_on(tmp_path: Path, sample_data: Path) -> None:
    stack = own_stack(tmp_path, sample_data)
    stack.start()
    run = stack.submit("retrain/retrain", **small_retrain("training.epochs=30"))
    wait_for(lambda: StateType.RUNNING in {child.state_type for child in stack.children(run)}, 180)
    assert any("prefect.engine" in command for command in stack.processes().values())
    assert stack.stop() == 0
    assert stack.processes() == {}
    assert "All processes have ended" in stack.output
    stack.start()
    assert stack.wait(run, 400).state_name == "Completed"
    assert stack.read(run).run_count == 2
    stack.stop()


@pytest.mark.parametrize("command", ["worker start", "flows.server.keeper", "server start"])
def test_what_dies_comes_back(stack: Stack, command: str) -> None:
    def running() -> set[int]:
        return {process for process, words in stack.processes().items() if command in words}

    before = running()
    os.kill(min(before), signal.SIGKILL)
    wait_for(lambda: len(running()) >= len(before) and running() != before)
    wait_for(stack.answers)


def test_worker_with_a_sick_device_is_taken_out_of_service_and_another_trains(
    tmp_path: Path, sample_data: Path
) -> None:
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook/sitecustomize.py").write_text(SICK)
    stack = own_stack(tmp_path, sample_data, {"PYTHONPATH": str(tmp_path / "hook")})
    stack.start()
    try:
        run = stack.wait(stack.submit("retrain/retrain", **small_retrain()), 400)
        assert run.state_name == "Completed", run.state
        assert "Sick device" in {child.state_name for child in stack.children(run.id)}
        wait_for(lambda: "worker-slot-0 is out of service" in stack.output)
        assert not any("slot-0" in words for words in stack.processes().values())
    finally:
        stack.stop()


def test_scheduled_run_ends_at_once_if_nothing_is_new(stack: Stack) -> None:
    stack.cli("deploy", FOLDLINE_DATA="data")
    stack.wait(stack.submit("retrain/retrain", **small_retrain()))
    with stack.client() as client:
        deployment = client.read_deployment_by_name("retrain/retrain")
        (nightly,) = deployment.schedules
        of_tonight = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment.id]))
        client.update_deployment(deployment.id, DeploymentUpdate(parameters={"params": small_retrain()}))
        (nightly,) = client.read_deployment_by_name("retrain/retrain").schedules
        client.update_deployment_schedule(deployment.id, nightly.id, active=True)

        def scheduled() -> list[FlowRun]:
            found = client.read_flow_runs(flow_run_filter=of_tonight)
            return [run for run in found if run.auto_scheduled and run.state_type == StateType.SCHEDULED]

        wait_for(lambda: bool(scheduled()), 90)
        (night, *_) = scheduled()
        client.set_flow_run_state(night.id, Scheduled(scheduled_time=datetime.now(UTC)), force=True)
        assert stack.wait(night.id).state_name == SKIPPED
        client.update_deployment_schedule(deployment.id, nightly.id, active=False)
