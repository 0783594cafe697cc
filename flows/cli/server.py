"""Commands that run flows on a server and workers."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.types import PositiveInt
from cyclopts.validators import Number

from flows.cli.options import StoreOptions
from flows.cli.terminal import console
from flows.server.gpus import choose_gpus
from flows.server.keeping import HOST, keep_running, logs, server, start_server, start_workers
from flows.server.processes import Program, Supervised, end_all, until_interrupted
from flows.server.settings import set_up_prefect, without_proxy
from flows.server.workers import CPU_RUNS, cpu_workers, gpu_workers, slot_workers
from tasks.errors import ConfigError, WorkerError
from tasks.home import foldline_home

if TYPE_CHECKING:
    from flows.server.register import Registered

PORT = 4200
PORTS = Number(gte=1, lte=65535)
VALUE_LIMIT = 100
"""Characters of a value that are shown: a form has whole lists."""
API = "PREFECT_API_URL"
GPUS_HELP = "GPUs to start workers for: `auto`, or numbers or UUIDs, separated by commas"
SLOTS_HELP = "workers that train on cores instead of GPUs, each with its share of them"


def up(
    *,
    gpus: Annotated[str, Parameter(help=GPUS_HELP)] = "auto",
    slots: Annotated[PositiveInt | None, Parameter(help=f"{SLOTS_HELP}; 1 where there is no GPU")] = None,
    port: Annotated[int, Parameter(help="where the server listens, on this machine only", validator=PORTS)] = PORT,
    options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions(),
) -> None:
    """Run a Prefect server and workers on this machine until Ctrl-C; what dies is started again."""
    began = monotonic()
    if os.environ.get(API):
        raise ConfigError(
            f"{API} names a server already, {os.environ[API]}. `foldline deploy` and `foldline workers` use it; unset "
            "it for a server of your own."
        )
    _settle(options)
    programs = [*cpu_workers(), *_fold_workers(gpus, slots, least=1)]
    prefect_server = server(port)
    url = f"http://{HOST}:{port}"
    os.environ.update({API: f"{url}/api", "PREFECT_SERVER_UI_API_URL": f"{url}/api"})
    without_proxy(HOST)
    processes: list[Supervised] = []
    with until_interrupted():
        try:
            _say(f"Starting Prefect's server; its database is {_database()}.")
            processes.append(Supervised(prefect_server, logs()))
            start_server(processes[0], os.environ[API])
            deploy()
            processes += start_workers(programs, logs())
            _say(f"Running {_names(programs)}.")
            ready = f"Ready in {monotonic() - began:.0f} s: {url}/deployments"
            _say(f"{ready}. Logs are in {logs()}. Ctrl-C ends all of it.")
            keep_running(processes, _say)
        finally:
            # Workers first, so that their runs can tell the server how they ended.
            end_all(processes[1:])
            end_all(processes[:1])
            _say("All processes have ended.")


def workers(
    *,
    pool: Annotated[Literal["cpu", "gpu"], Parameter(help="whose runs they take")] = "gpu",
    gpus: Annotated[str, Parameter(help=GPUS_HELP)] = "auto",
    slots: Annotated[
        PositiveInt | None, Parameter(help=f"for `gpu`: {SLOTS_HELP}; for `cpu`: runs at once, {CPU_RUNS} by default")
    ] = None,
    options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions(),
) -> None:
    """Run workers for the server that PREFECT_API_URL names until Ctrl-C; one that dies is started again."""
    _need_server()
    _settle(options)
    programs = cpu_workers(slots or CPU_RUNS) if pool == "cpu" else _fold_workers(gpus, slots, least=0)
    processes: list[Supervised] = []
    with until_interrupted():
        try:
            _say(f"Running {_names(programs)}. Ctrl-C ends all of it.")
            processes += start_workers(programs, logs=None)  # who keeps a service running keeps what it writes
            keep_running(processes, _say)
        finally:
            end_all(processes)
            _say("All workers have ended.")


def deploy() -> None:
    """Let the server that PREFECT_API_URL names know pools, deployments and automations; say what has changed."""
    _need_server()
    set_up_prefect()
    from flows.server.deploy import deploy as register

    count = 0
    for one in _told(register):
        count += 1
        if one.before is None:
            _say(f"{one.kind} {one.name}: new")
        for fact, (before, after) in one.changes.items() if one.before else ():
            _say(f"{one.kind} {one.name}: {fact} was {_short(before)}, is {_short(after)}")
    _say(f"The server knows {count} pools, deployments and automations.")


def _told(register: Callable[[], Iterator["Registered"]]) -> Iterator["Registered"]:
    """What is registered, one after another; a server that cannot be asked is told of in a sentence."""
    from httpx import TransportError
    from prefect.exceptions import PrefectHTTPStatusError

    try:
        yield from register()
    except TransportError as error:
        raise WorkerError(
            f"{API}={os.environ[API]}: no server answers ({error}). Start it, or mend the URL."
        ) from error
    except PrefectHTTPStatusError as error:
        status = error.response.status_code
        hint = {401: "Set PREFECT_API_AUTH_STRING.", 404: "Does the URL end in /api?"}.get(status, "Read its log.")
        raise WorkerError(f"{API}={os.environ[API]}: the server answers {status}. {hint}") from error


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= VALUE_LIMIT else f"{text[:VALUE_LIMIT]}..."


def _fold_workers(gpus: str, slots: int | None, least: int) -> list[Program]:
    """A worker a GPU, or a slot; `least` slots where there is no GPU. Raises ConfigError if that is none at all."""
    if slots:
        return slot_workers(slots)
    chosen = choose_gpus(gpus)
    if not chosen and not least:
        raise ConfigError("This machine has no GPU. `--slots N` starts N workers that train on cores.")
    return gpu_workers(chosen) if chosen else slot_workers(least)


def _need_server() -> None:
    if not os.environ.get(API):
        raise ConfigError(f"{API} must name a server, such as http://HOST:4200/api. `foldline up` starts one here.")


def _settle(options: StoreOptions) -> None:
    """Let everything that is started from here use the same store and the same folder."""
    options.choose()
    if "://" not in options.store:
        os.environ["FOLDLINE_STORE"] = str(Path(options.store).expanduser().absolute())
    os.environ.setdefault("FOLDLINE_WORKING_DIR", str(Path.cwd()))
    set_up_prefect()


def _names(programs: list[Program]) -> str:
    return ", ".join(program.name for program in programs)


def _database() -> str:
    variable = "PREFECT_SERVER_DATABASE_CONNECTION_URL"  # not shown: it may hold a password
    return f"the one that {variable} names" if variable in os.environ else str(foldline_home() / "prefect/prefect.db")


def _say(message: str) -> None:
    console().print(message, soft_wrap=True)
