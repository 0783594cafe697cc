"""What orchestration costs: a retrain as plain calls, under Prefect in its own process, and on a server with workers.

    .venv/bin/python benchmarks/orchestration.py [--quick]

All retrain on the same drawn photos with the same settings, each with a store of its own, and take turns. The plain one
calls the steps that the flow `retrain` calls, in a process of its own too, so that Python's start and all imports count
in each; on the server the clock runs from the submission of the run until it has ended, and folds train side by side.
Then as many folds as keep two slots busy twice: while a fold trains, so does another. Prints a line a figure,
`name value goal ok|short`, or without a goal where there is none; exits 1 if one is short.
"""

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

    from flows.fold_runs import FoldCall

EXPERIMENT = "sample"
SLOTS = 2
FOLDS = 2 * SLOTS
"""Folds that are trained on the slots, so that each slot trains one after another."""
FACTOR, SECONDS = 1.02, 15.0
"""What a run in one process may cost: a share of the plain one's time, and seconds to start Prefect."""
FOLDS_FACTOR = 1.10
READY_SECONDS = 40.0
"""Within which `foldline up` is ready with a new home."""
RUN_WITHIN = 3600.0
"""Seconds after which a run is given up."""


@dataclass(frozen=True)
class Work:
    """What all do.

    Attributes:
        people: in the drawn data, seven photos each.
        epochs: of each of the retrain's folds.
        fold_epochs: of the folds that are trained on all slots.
        rounds: in which all take turns.
    """

    people: int
    epochs: int
    fold_epochs: int
    rounds: int


FULL, QUICK = Work(60, 8, 20, 2), Work(24, 4, 12, 1)


@dataclass(frozen=True)
class Place:
    """A folder with the drawn data, and what is needed to work there."""

    folder: Path
    work: Work
    port: int
    overrides: list[str]
    """Changes to the experiment."""
    variables: dict[str, str] = field(default_factory=dict)
    """Of the environment, besides folders."""

    @property
    def data(self) -> Path:
        """The drawn data."""
        return self.folder / "data"

    def run(self, store: str, *command: str) -> float:
        """Seconds that a command takes with that store, from the start of its process to its end."""
        started = time.perf_counter()
        environment = self.environment(store, "home")
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, env=environment)
        return time.perf_counter() - started

    def environment(self, store: str, home: str) -> dict[str, str]:
        """Nothing that a person has set for Foldline, but threads that wait as those of `foldline retrain` do."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("FOLDLINE_", "PREFECT_"))}
        places = {"FOLDLINE_HOME": str(self.folder / home), "FOLDLINE_STORE": str(self.folder / store)}
        return {**ours, **places, **self.variables, "OMP_WAIT_POLICY": "PASSIVE"}


def plainly(place: Place, store: str) -> float:
    """Seconds of the steps, called as functions."""
    return place.run(store, __file__, "--plain", str(place.data), *place.overrides)


def embedded(place: Place, store: str) -> float:
    """Seconds of `foldline retrain`."""
    changes = [part for change in place.overrides for part in ("--set", change)]
    arguments = ["retrain", "--data", str(place.data), "--experiment", EXPERIMENT, *changes]
    return place.run(store, "-m", "flows.cli", *arguments)


def call_steps(data: str, overrides: list[str]) -> None:
    """Make all that a retrain makes; nobody orders, retries or shows anything."""
    from flows.experiments import resolve_experiment
    from flows.plan import find_artifacts
    from tasks.data_folder import open_data
    from tasks.store import open_ledger

    experiment = resolve_experiment(EXPERIMENT, tuple(overrides))
    find_artifacts(open_ledger(), open_data(data), experiment, EXPERIMENT)


@contextmanager
def server_and_workers(place: Place, name: str) -> Iterator[float]:
    """`foldline up` with a new home and store inside the block; gives the seconds until it is ready."""
    command = [sys.executable, "-m", "flows.cli", "up", "--slots", str(SLOTS), "--port", str(place.port)]
    started = time.perf_counter()
    log = place.folder / f"{name}.log"
    with log.open("w") as file:
        environment = place.environment(name, f"{name}-home")
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environment, start_new_session=True)
    try:
        wait_until_ready(process, log)
        yield time.perf_counter() - started
    except BaseException:
        print(log.read_text(), file=sys.stderr)
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)


def wait_until_ready(process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until `foldline up` has said so."""
    while "Ready in" not in log.read_text():
        if process.poll() is not None:
            raise RuntimeError("foldline up has ended")
        time.sleep(0.1)


def on_server(place: Place) -> float:
    """Seconds of a run of the deployment `retrain`, from its submission to its end."""
    from prefect.client.orchestration import get_client
    from prefect.deployments import run_deployment

    params = {"data": str(place.data), "experiment": EXPERIMENT, "overrides": place.overrides}
    started = time.perf_counter()
    run = cast("FlowRun", run_deployment("retrain/retrain", parameters={"params": params}, timeout=0))
    with get_client(sync_client=True) as client:
        while not (run.state and run.state.is_final()):
            if time.perf_counter() - started > RUN_WITHIN:
                raise RuntimeError(f"{run.name} has not ended in {RUN_WITHIN:.0f} s")
            time.sleep(0.5)
            run = client.read_flow_run(run.id)
    if not run.state.is_completed():
        raise RuntimeError(f"{run.name} ended as {run.state.name}: {run.state.message}")
    return time.perf_counter() - started


def fold_calls(place: Place, count: int, seed: int) -> "list[FoldCall]":
    """Folds to be trained, in the store that FOLDLINE_STORE names; other ones with each seed."""
    from flows.experiments import resolve_experiment
    from flows.fold_runs import FoldCall
    from tasks.catalog.step import make_catalog
    from tasks.data_folder import open_data
    from tasks.faces.settings import FacesSettings
    from tasks.faces.step import find_boxes
    from tasks.folds.settings import FoldsSettings
    from tasks.folds.step import make_folds
    from tasks.prepare.step import make_crops
    from tasks.store import open_ledger

    changes = (f"training.epochs={place.work.fold_epochs}", f"training.seed={seed}")
    experiment, ledger, data = resolve_experiment(EXPERIMENT, changes), open_ledger(), open_data(str(place.data))
    catalog = make_catalog(ledger, data)
    crops = make_crops(
        ledger, data, catalog, find_boxes(ledger, data, catalog, FacesSettings(crop="centre")), experiment.prepare
    )
    folds = make_folds(ledger, catalog, FoldsSettings(count=FOLDS))
    return [FoldCall(catalog.ref, crops.ref, folds.ref, fold, experiment.training) for fold in range(count)]


def train_on_slots(calls: "list[FoldCall]") -> list[float]:
    """Seconds from the submission of all of them to the end of each, as `retrain` submits them and hears of it."""
    from flows.fold_runs import train_folds

    started = time.perf_counter()
    ends = []
    for fold, state in train_folds(calls):
        if not state.is_completed():
            raise RuntimeError(f"fold {fold} ended as {state.name}: {state.message}")
        ends.append(time.perf_counter() - started)
    return ends


def folds_on_slots(place: Place) -> dict[str, float]:
    """How long folds take that come one after another on each slot, over what they may.

    One fold is measured while the other slots train one each: cores, memory and server are shared as they are by many
    folds, so that what is left to tell is what is lost between folds. What folds side by side cost each other is the
    machine's, and told as a figure without a goal.
    """
    alone = statistics.mean(train_on_slots(fold_calls(place, 1, seed=1)))
    beside = statistics.mean(train_on_slots(fold_calls(place, SLOTS, seed=2)))
    together = max(train_on_slots(fold_calls(place, FOLDS, seed=3)))
    return {
        "one_fold_alone_s": alone,
        "one_fold_beside_another_s": beside,
        f"{FOLDS}_folds_on_{SLOTS}_slots_s": together,
        "folds_over_rounds_of_one": together / (FOLDS / SLOTS * beside),
    }


def measure(place: Place) -> dict[str, float]:
    """All figures: of several rounds the median."""
    seconds: dict[str, list[float]] = {"plain_s": [], "embedded_s": [], "server_s": [], "ready_s": []}
    figures: dict[str, float] = {}
    for number in range(place.work.rounds):
        if number % 2 == 0:
            seconds["plain_s"].append(plainly(place, f"plain-{number}"))
            figures = figures or starts(place, f"plain-{number}")
            seconds["embedded_s"].append(embedded(place, f"embedded-{number}"))
        else:
            seconds["embedded_s"].append(embedded(place, f"embedded-{number}"))
            seconds["plain_s"].append(plainly(place, f"plain-{number}"))
        with server_and_workers(place, f"server-{number}") as ready:
            os.environ["FOLDLINE_STORE"] = str(place.folder / f"server-{number}")
            seconds["ready_s"].append(ready)
            seconds["server_s"].append(on_server(place))
            if number == place.work.rounds - 1:
                figures |= folds_on_slots(place)
    return {name: statistics.median(values) for name, values in seconds.items()} | figures


def starts(place: Place, store: str) -> dict[str, float]:
    """Seconds of runs that find all results: Prefect's alone, as its database is made, and when it is there."""
    return {"all_reused_first_start_s": embedded(place, store), "all_reused_s": embedded(place, store)}


def use_server(place: Place) -> None:
    """Let this process use the server that is started on the port, before Prefect is imported."""
    from flows.server.settings import set_up_prefect

    os.environ.update(
        FOLDLINE_HOME=str(place.folder / "client-home"),
        PREFECT_API_URL=f"http://127.0.0.1:{place.port}/api",
        FOLDLINE_FOLDS="workers",
    )
    set_up_prefect()


def draw(folder: Path, people: int) -> None:
    """Photos of people who do not exist."""
    from tasks.sample.draw import draw_sample
    from tasks.sample.settings import SampleSettings

    draw_sample(folder, SampleSettings(people=people, eval=people))


def free_port() -> int:
    """A port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def report(figures: dict[str, float]) -> int:
    """Print the figures; 1 if one is short."""
    cost = figures["embedded_s"] - FACTOR * figures["plain_s"]
    figures = {**figures, "embedded_over_plain": figures["embedded_s"] / figures["plain_s"], "embedded_cost_s": cost}
    goals = {"embedded_cost_s": SECONDS, "folds_over_rounds_of_one": FOLDS_FACTOR, "ready_s": READY_SECONDS}
    for name, value in figures.items():
        goal = f" <={goals[name]:g} {'ok' if value <= goals[name] else 'short'}" if name in goals else ""
        print(f"{name} {value:.3f}{goal}")
    return int(any(figures[name] > goal for name, goal in goals.items()))


def main() -> int:
    """Print the figures; 1 if one is short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round, fewer epochs: ends within 5 minutes")
    parser.add_argument("--plain", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        call_steps(options.plain[0], options.plain[1:])
        return 0
    with tempfile.TemporaryDirectory() as name:
        work = QUICK if options.quick else FULL
        place = Place(Path(name), work, free_port(), [f"training.epochs={work.epochs}"])
        draw(place.data, place.work.people)
        use_server(place)
        return report(measure(place))


if __name__ == "__main__":
    sys.exit(main())
