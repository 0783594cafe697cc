"""All that a retrain needs, for real: a store, a database, a server, workers; and what must hold after a fault."""

import logging
import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from socket import gethostname
from uuid import UUID

from moto.server import ThreadedMotoServer
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterTags,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun

from flows.server.settings import TAG
from tasks.sample.draw import draw_sample
from tasks.sample.settings import SampleSettings
from tasks.store import Backend, Ledger
from tasks.store.refs import count_moves
from tasks.store.runs import find_ended
from tests.postgres import Postgres
from tests.s3_server import S3Server, one_write_at_a_time
from tests.server.stack import Stack, free_port, small_retrain, wait_for

EPOCHS = 4
CHANGES = (f"training.epochs={EPOCHS}", "training.seed=11")
ENDS_WITHIN = 420.0
"""Seconds from the start of a run to its end: a lost worker is missed after 90 s, and its run is resumed after that."""
QUIET_WITHIN = 90.0
"""Seconds after which nothing of it is left running, once it has ended."""


class StoreServer:
    """A server of S3 that can be stopped, and started again with all that it holds."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._port = free_port()
        self.start()

    @property
    def server(self) -> S3Server:
        return S3Server(f"http://127.0.0.1:{self._port}")

    def start(self) -> None:
        self._moto = ThreadedMotoServer(ip_address="127.0.0.1", port=self._port, verbose=False)
        self._moto.start()
        self._moto._server.app = one_write_at_a_time(self._moto._server.app)

    def stop(self) -> None:
        self._moto.stop()
        self._moto._server.server_close()


@dataclass(frozen=True)
class Result:
    """What became of a run that had a fault."""

    seconds: float
    attempts: int
    """Runs of `train-fold` that it took."""
    broken: tuple[str, ...]
    """What does not hold, in words; nothing if all is well."""


class World:
    """Made once for many faults: each run starts with crops, and without a fold model."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        draw_sample(folder / "data", SampleSettings(people=12, eval=14, seed=7))
        self.postgres = Postgres(folder / "postgres")
        self.postgres.start()
        self.store_server = StoreServer()
        bucket = self.store_server.server.new_bucket()
        variables = {
            **self.store_server.server.environment,
            "FOLDLINE_STORE": f"s3://{bucket}/store",
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": self.postgres.url,
        }
        os.environ.update({name: value for name, value in variables.items() if not name.startswith("PREFECT")})
        os.environ["FOLDLINE_HOME"] = str(folder / "home-of-tests")
        self.stack = Stack(folder, variables)
        self.stack.start()

    @property
    def store(self) -> Backend:
        return self.stack.store

    @cached_property
    def undisturbed(self) -> dict[str, str]:
        """Digests of what a run makes that nothing happens to."""
        run = self.stack.wait(self.submit())
        assert run.state_name == "Completed", run.state
        return self.digests()

    def submit(self) -> UUID:
        """Start a run that has to train its folds."""
        keep = ("steps/catalog/", "steps/validate", "steps/faces/", "steps/prepare/", "steps/folds/")
        found = (item.key for root in ("steps/", "checkpoints/", "refs/", "runs/") for item in self.store.list(root))
        self.store.delete([key for key in found if not key.startswith(keep)])
        self._run = self.stack.submit("retrain/retrain", **small_retrain(*CHANGES))
        return self._run

    def has_ended(self) -> bool:
        """Whether the run that was started last has ended."""
        state = self.stack.read(self._run).state
        return bool(state and state.is_final())

    def digests(self) -> dict[str, str]:
        """Digests of the newest run's files that hold its numbers."""
        run, ledger = find_ended(self.store, "latest"), Ledger(self.store)
        files = {
            f"{name}/{file}": entry.sha256
            for name, ref in run.artifacts.items()
            for file, entry in ledger.get(ref).manifest.files.items()
            if name.startswith("fold-") or name in {"ensemble", "submission"}
        }
        return {name: digest for name, digest in files.items() if not name.endswith("receipt.json")}

    def processes(self, whose: str, command: str) -> list[int]:
        """Processes with these words in their command, below the worker whose name starts so; or below any."""
        found = [process for process, words in self.stack.processes().items() if command in words]
        return [
            process
            for process in found
            if not whose or f"sick-devices/{gethostname()}/{whose}" in _environment(process)
        ]

    def broken(self, run: FlowRun) -> tuple[str, ...]:
        """What does not hold after a run, in words."""
        return tuple(self._broken(run))

    def _broken(self, run: FlowRun) -> list[str]:
        found = []
        if run.state_name != "Completed":
            return [f"the run has ended {run.state_name}: {run.state.message if run.state else ''}"]
        if self.digests() != self.undisturbed:
            others = [name for name, digest in self.digests().items() if self.undisturbed.get(name) != digest]
            found.append(f"other numbers than without a fault: {', '.join(others)}")
        if (moves := count_moves(self.store, "champion")) != 1:
            found.append(f"{moves} champions")
        with suppress(AssertionError):
            wait_for(lambda: not self._unfinished() and not self._too_many_processes(), QUIET_WITHIN, pause=1.0)
        found += [f"{other.name} is {other.state_name} for ever" for other in self._unfinished()]
        found += [f"process left: {words}" for words in self._too_many_processes()]
        found += self._epochs_trained_again(run)
        return found

    def _unfinished(self) -> list[FlowRun]:
        with self.stack.client() as client:
            runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[TAG])))
        return [run for run in runs if run.state and not run.state.is_final() and not run.auto_scheduled]

    def _too_many_processes(self) -> list[str]:
        return [words for words in self.stack.processes().values() if "prefect.engine" in words]

    def _epochs_trained_again(self, run: FlowRun) -> list[str]:
        """A fold goes on after the last epoch that has a checkpoint: each of its runs may repeat the one under way."""
        children = self.stack.children(run.id)
        with self.stack.client() as client:
            wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[child.id for child in children]))
            logs = client.read_logs(log_filter=wanted, limit=200) if children else []
        ends = Counter(log.message.partition(":")[0] for log in logs if ": loss" in log.message)
        runs = Counter(f"Fold {child.parameters['fold']}" for child in children)
        again = {fold: sum(n - 1 for end, n in ends.items() if end.startswith(f"{fold},")) for fold in runs}
        return [f"{fold}: {count} epochs trained again" for fold, count in again.items() if count > runs[fold]]

    def close(self) -> list[str]:
        """End all of it; returns the commands of processes that are left."""
        self.stack.stop()
        self.postgres.kill()
        self.store_server.stop()
        return list(self.stack.processes().values())


def _environment(process: int) -> str:
    try:
        return Path(f"/proc/{process}/environ").read_text(errors="replace")
    except OSError:
        return ""
