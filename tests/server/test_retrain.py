"""Runs that a server hands to workers."""

import os
import signal

from prefect.client.schemas.objects import StateType
from prefect.states import Cancelling, Crashed

from flows.retrain import SKIPPED
from tasks.store.refs import count_moves
from tasks.store.runs import RunManifest, find_ended
from tests.server.receiver import Receiver
from tests.server.stack import Stack, small_retrain, wait_for


def ended(stack: Stack, *changes: str) -> RunManifest:
    """The manifest of a retrain that has completed."""
    run = stack.wait(stack.submit("retrain/retrain", **small_retrain(*changes)))
    assert run.state_name == "Completed", run.state
    return find_ended(stack.store, "latest")


def test_folds_are_runs_of_their_own_below_the_retrain(stack: Stack) -> None:
    run = stack.submit("retrain/retrain", **small_retrain())
    assert stack.wait(run).state_name == "Completed"
    children = stack.children(run)
    assert sorted(child.parameters["fold"] for child in children) == [0, 1]
    assert all(child.idempotency_key for child in children)
    manifest = find_ended(stack.store, "latest")
    assert {"fold-0", "fold-1", "ensemble", "submission", "report"} <= set(manifest.artifacts)
    assert manifest.reused == ()


def test_folds_are_trained_at_the_same_time(stack: Stack) -> None:
    run = stack.submit("retrain/retrain", **small_retrain("training.seed=2", "training.epochs=2"))
    stack.wait(run)
    first, second = stack.children(run)
    assert first.start_time and first.end_time and second.start_time and second.end_time  # noqa: PT018
    assert max(first.start_time, second.start_time) < min(first.end_time, second.end_time)


def test_what_is_in_the_store_is_not_given_to_workers_again(stack: Stack) -> None:
    first = ended(stack)
    run = stack.submit("retrain/retrain", **small_retrain())
    assert stack.wait(run).state_name == "Completed"
    assert stack.children(run) == []
    again = find_ended(stack.store, "latest")
    assert again.run != first.run
    assert again.artifacts == first.artifacts
    assert set(again.reused) == set(again.artifacts)


def test_nothing_new_is_skipped(stack: Stack) -> None:
    before = ended(stack)
    run = stack.wait(stack.submit("retrain/retrain", **small_retrain(only_if_new="always")))
    assert run.state_name == SKIPPED
    assert find_ended(stack.store, "latest") == before


def test_new_settings_are_new(stack: Stack) -> None:
    before = ended(stack)
    run = stack.wait(stack.submit("retrain/retrain", **small_retrain("training.seed=3", only_if_new="always")))
    assert run.state_name == "Completed"
    assert find_ended(stack.store, "latest").run != before.run


def test_fold_that_fails_for_good_is_told_and_not_tried_again(stack: Stack) -> None:
    run = stack.wait(stack.submit("retrain/retrain", **small_retrain("training.batch_size=4096")))
    assert run.state_name == "Failed"
    assert run.state
    assert run.state.message
    assert "2 of 2 folds could not be trained" in run.state.message
    assert "batch" in run.state.message
    assert len(stack.children(run.id)) == 2


def test_cancelled_retrain_cancels_its_folds(stack: Stack) -> None:
    run = stack.submit("retrain/retrain", **small_retrain("training.seed=4", "training.epochs=200"))
    wait_for(lambda: StateType.RUNNING in {child.state_type for child in stack.children(run)}, 120)
    with stack.client() as client:
        client.set_flow_run_state(run, Cancelling())
    assert stack.wait(run).state_name == "Cancelled"
    wait_for(lambda: {child.state_name for child in stack.children(run)} == {"Cancelled"}, 120)
    wait_for(lambda: not any("prefect.engine" in command for command in stack.processes().values()))


def test_process_of_a_run_that_was_declared_lost_ends_and_another_goes_on(stack: Stack) -> None:
    run = stack.submit("retrain/retrain", **small_retrain("training.seed=7", "training.epochs=40"))
    wait_for(lambda: StateType.RUNNING in {child.state_type for child in stack.children(run)}, 120)
    lost = next(child for child in stack.children(run) if child.state_type == StateType.RUNNING)
    with stack.client() as client:
        client.set_flow_run_state(lost.id, Crashed(message="a test"), force=True)
    wait_for(lambda: not stack.processes_of(lost.id), 150)  # on SQLite a lock may stall the server for a minute
    assert stack.wait(run).state_name == "Completed"
    assert len(stack.children(run)) == 3


def test_fold_whose_run_was_deleted_is_tried_again(stack: Stack) -> None:
    run = stack.submit("retrain/retrain", **small_retrain("training.seed=8", "training.epochs=10"))
    wait_for(lambda: len(stack.children(run)) == 2, 120)
    with stack.client() as client:
        client.delete_flow_run(stack.children(run)[1].id)
    assert stack.wait(run).state_name == "Completed"


def test_first_run_becomes_the_champion_and_people_are_told(stack: Stack, receiver: Receiver) -> None:
    ended(stack)
    assert count_moves(stack.store, "champion") >= 1
    wait_for(lambda: receiver.got("There is a new champion", "macro F1"))


def test_failure_is_told_to_people(stack: Stack, receiver: Receiver) -> None:
    run = stack.wait(stack.submit("validate-data/validate-data", data="nowhere", experiment="sample"))
    assert run.state_name == "Failed"
    wait_for(lambda: receiver.got("has failed", "nowhere", f"runs/flow-run/{run.id}"))


def test_stopped_gate_is_told_to_people(stack: Stack, receiver: Receiver) -> None:
    strict = ["validation.stop_at=warning"]
    run = stack.wait(stack.submit("validate-data/validate-data", data="data", experiment="sample", overrides=strict))
    assert run.state_name == "Failed", run.state
    wait_for(lambda: receiver.got("The gate has stopped", "expectations failed"))


def test_champion_waits_for_approval_if_a_person_submits_it(stack: Stack, receiver: Receiver) -> None:
    chosen = ended(stack, "training.seed=5")
    moves = count_moves(stack.store, "champion")
    run = stack.submit("submit/submit", run=chosen.run)
    wait_for(lambda: stack.read(run).state_name == "Suspended", 120)
    wait_for(lambda: receiver.got("waits for approval"))
    assert count_moves(stack.store, "champion") == moves
    wait_for(lambda: not stack.processes_of(run))  # nobody looks at a table, and resumes, faster than that
    with stack.client() as client:
        client.resume_flow_run(run)
    assert stack.wait(run).state_name == "Completed"
    assert find_ended(stack.store, "champion").run == chosen.run


def test_runs_are_blended(stack: Stack) -> None:
    first, second = ended(stack), ended(stack, "training.seed=5")
    run = stack.wait(stack.submit("ensemble/ensemble", runs=[first.run, second.run]))
    assert run.state_name == "Completed", run.state
    blended = find_ended(stack.store, "latest")
    assert blended.flow == "ensemble"
    assert blended.artifacts["catalog"] == first.artifacts["catalog"]
    assert blended.artifacts["ensemble"] not in {first.artifacts["ensemble"], second.artifacts["ensemble"]}


def test_crops_are_made_ahead(stack: Stack) -> None:
    run = stack.wait(stack.submit("crop-faces/crop-faces", **small_retrain("prepare.height=80")))
    assert run.state_name == "Completed", run.state


def test_server_that_is_killed_comes_back_and_the_run_goes_on(stack: Stack) -> None:
    run = stack.submit("retrain/retrain", **small_retrain("training.seed=6", "training.epochs=3"))
    wait_for(lambda: StateType.RUNNING in {child.state_type for child in stack.children(run)}, 120)
    (server,) = (process for process, command in stack.processes().items() if "server start" in command)
    os.kill(server, signal.SIGKILL)
    wait_for(lambda: "server has died" in stack.output)
    ended = stack.wait(run)
    assert (ended.state_name, ended.run_count) == ("Completed", 1)
