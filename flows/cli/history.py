"""Commands about past runs and what they made."""

import shutil
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from flows.cli.options import RUN_HELP, GetOptions, StoreOptions
from tasks.errors import NotInStoreError
from tasks.store import Artifact, Ledger, open_ledger
from tasks.store.runs import RunManifest, RunStart, find_run, list_runs

LINKS = (
    ("submission", "submission", "submission.csv"),
    ("report", "report", "report.html"),
    ("data docs", "validate", "data_docs/index.html"),
)
"""Files that people look for first: what to call them, artifact, file."""


def runs(*, options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions()) -> None:
    """List all runs, oldest first."""
    options.choose()
    ledger = open_ledger()
    table = Table("run", "flow", "state", "took", "macro F1", "reused", box=None, pad_edge=False)
    for run in list_runs(ledger.backend):
        if isinstance(run, RunManifest):
            score = f"{run.scores['macro_f1']:.4f}" if "macro_f1" in run.scores else ""
            reused = f"{len(run.reused)} of {len(run.artifacts)}"
            table.add_row(run.run, run.flow, run.state, _duration(run.seconds), score, reused)
        else:
            table.add_row(run.run, run.flow, "not ended")
    if table.row_count:
        _console().print(table)
    else:
        print(f"No runs in {ledger.backend.url} yet. `foldline retrain --data DIR` makes the first.")


def show(
    run: Annotated[str, Parameter(help=RUN_HELP)] = "latest",
    /,
    *,
    options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions(),
) -> None:
    """Show a run: how it ended, its settings, and every artifact with its files."""
    options.choose()
    ledger = open_ledger()
    found = find_run(ledger.backend, run)
    print_run(ledger, found)
    if isinstance(found, RunManifest):
        _console().print(_artifact_table(ledger, found))


def get(
    run: Annotated[str, Parameter(help=RUN_HELP)],
    file: Annotated[str, Parameter(help="a file's name, such as `submission.csv` or `fold-0/history.parquet`")],
    /,
    *,
    options: Annotated[GetOptions, Parameter(name="*")] = GetOptions(),
) -> None:
    """Copy a file out of a run, after checking its digest."""
    options.choose()
    ledger = open_ledger()
    artifact, name = find_file(ledger, find_run(ledger.backend, run), file)
    target = options.output / Path(name).name if options.output.is_dir() else options.output
    if not target.parent.is_dir():
        raise NotInStoreError(f"There is no folder {target.parent} to copy {name} to. Make it first.")
    shutil.copyfile(artifact.path(name), target)
    print(target)


def find_file(ledger: Ledger, run: RunStart | RunManifest, wanted: str) -> tuple[Artifact, str]:
    """The file that a person means by ``name`` or ``artifact/name``.

    Raises:
        NotInStoreError: the run has no such file, or several.
    """
    names = run.artifacts if isinstance(run, RunManifest) else {}
    files = {f"{label}/{file}": (label, file) for label in names for file in ledger.get(names[label]).manifest.files}
    matches = [path for path in files if path == wanted] or [path for path in files if path.endswith(f"/{wanted}")]
    if len(matches) != 1:
        what = f"{len(matches)} files, such as {matches[0]}" if matches else "no file"
        raise NotInStoreError(f"{wanted!r} means {what} of run {run.run}. `foldline show {run.run}` lists its files.")
    label, file = files[matches[0]]
    return ledger.get(names[label]), file


def print_run(ledger: Ledger, run: RunStart | RunManifest) -> None:
    """Print what a run was and where its results are."""
    rows = [("run", run.run), ("state", run.state if isinstance(run, RunManifest) else "not ended"), ("data", run.data)]
    if isinstance(run, RunManifest):
        rows.append(("took", f"{_duration(run.seconds)}; {len(run.reused)} of {len(run.artifacts)} artifacts reused"))
        rows += [(name.replace("_", " "), f"{value:.4f}") for name, value in run.scores.items()]
        rows += [
            (label, ledger.get(run.artifacts[artifact]).url(file))
            for label, artifact, file in LINKS
            if artifact in run.artifacts
        ]
        rows += [("error", run.error)] if run.error else []
    for label, value in [*rows, ("store", ledger.backend.url)]:
        print(f"{label:<12}{value}")


def _artifact_table(ledger: Ledger, run: RunManifest) -> Table:
    table = Table("artifact", "key", "took", "", "files", box=None, pad_edge=False, title_justify="left")
    for label, ref in run.artifacts.items():
        manifest = ledger.get(ref).manifest
        files = [name for name in manifest.files if "/" not in name]
        inside = len(manifest.files) - len(files)
        listed = ", ".join(files) + (f" and {inside} in folders" if inside else "")
        table.add_row(label, ref.key[:12], _duration(manifest.seconds), "reused" if label in run.reused else "", listed)
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02}s" if minutes else f"{seconds:.1f}s"


def _console() -> Console:
    """Prints tables; as wide as their content where nobody's screen has to hold them."""
    console = Console(highlight=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, width=400)
