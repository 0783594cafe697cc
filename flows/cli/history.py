"""Commands about past runs and what they made."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import yaml
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from flows.cli.options import RUN_HELP, GetOptions, StoreOptions
from tasks.errors import NotInStoreError, StoreError
from tasks.store import Artifact, Ledger, open_ledger
from tasks.store.runs import RunManifest, RunStart, find_run, list_runs

LINKS = (
    ("submission", "submission", "submission.csv"),
    ("report", "report", "report.html"),
    ("data docs", "validate", "data_docs/index.html"),
)
"""Files that people look for first: what to call them, artifact, file."""
Artifacts = dict[str, Artifact | str]
"""Artifacts of a run by their names; a text is why one cannot be had."""


def runs(*, options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions()) -> None:
    """List all runs, oldest first."""
    options.choose()
    ledger = open_ledger()
    table = Table("run", "flow", "state", "took", "macro F1", "reused", box=None, pad_edge=False)
    for name, run in list_runs(ledger.backend).items():
        table.add_row(name, *_run_columns(run))
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
    """Show a run: how it ended, every artifact with its files, and its settings, which make an experiment file."""
    options.choose()
    ledger = open_ledger()
    found = find_run(ledger.backend, run)
    artifacts = artifacts_of(ledger, found)
    print_run(ledger, found, artifacts)
    if isinstance(found, RunManifest):
        _console().print("", _artifact_table(found, artifacts), sep="\n")
    settings = yaml.safe_dump(found.settings, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
    print(f"\n{settings}", end="")


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
    _copy(artifact.path(name), target.resolve())
    print(target)


def _copy(source: Path, target: Path) -> None:
    if target.exists() and not target.is_file():
        shutil.copyfile(source, target)  # a device or a pipe must not be replaced
        return
    with TemporaryDirectory(dir=target.parent, prefix=".foldline-") as folder:
        # On a full disk, what was there before stays as it was.
        Path(shutil.copy(source, folder)).replace(target)


def find_file(ledger: Ledger, run: RunStart | RunManifest, wanted: str) -> tuple[Artifact, str]:
    """The file that a person means by ``name`` or ``artifact/name``.

    Raises:
        NotInStoreError: the run has no such file, or several.
    """
    artifacts = artifacts_of(ledger, run)
    files = {
        f"{label}/{file}": (artifact, file)
        for label, artifact in artifacts.items()
        if isinstance(artifact, Artifact)
        for file in artifact.manifest.files
    }
    matches = [path for path in files if path == wanted] or [path for path in files if path.endswith(f"/{wanted}")]
    if len(matches) != 1:
        what = f"{len(matches)} files, such as {matches[0]}" if matches else "no file"
        lost = [f" {label} can no longer be read: {why}" for label, why in artifacts.items() if isinstance(why, str)]
        raise NotInStoreError(
            f"{wanted!r} means {what} of run {run.run}. `foldline show {run.run}` lists its files.{''.join(lost)}"
        )
    return files[matches[0]]


def artifacts_of(ledger: Ledger, run: RunStart | RunManifest) -> Artifacts:
    """Every artifact of the run by its name; why it cannot be had, where its manifest is lost or damaged."""
    artifacts: Artifacts = {}
    for label, ref in run.artifacts.items() if isinstance(run, RunManifest) else ():
        try:
            artifacts[label] = ledger.get(ref)
        except StoreError as error:
            artifacts[label] = str(error)
    return artifacts


def print_run(ledger: Ledger, run: RunStart | RunManifest, artifacts: Artifacts) -> None:
    """Print what a run was and where its results are; `artifacts` as `artifacts_of` gives them."""
    facts = {"run": run.run, "state": "not ended", "data": run.data}
    if isinstance(run, RunManifest):
        facts |= {"state": run.state, "took": f"{_duration(run.seconds)}; {_reused(run)} artifacts reused"}
        if isinstance(validation := artifacts.get("validate"), Artifact):
            facts["checks"] = _checks(validation)
        facts |= {name.replace("_", " "): f"{value:.4f}" for name, value in run.scores.items()}
        facts |= {
            label: artifact.url(file)
            for label, name, file in LINKS
            if isinstance(artifact := artifacts.get(name), Artifact)
        }
        facts |= {"error": run.error} if run.error else {}
    for label, value in (facts | {"store": ledger.backend.url}).items():
        print(f"{label:<12}{value}")


def _checks(validation: Artifact) -> str:
    """How many expectations there are, and how many failed, by severity."""
    summary = validation.manifest.summary
    failed = summary["failed"] if isinstance(summary["failed"], dict) else {}
    counts = [f"{count} {severity}" for severity, count in failed.items() if count]
    return f"{summary['expectations']} expectations; failed: {', '.join(counts) or 'none'}"


def _reused(run: RunManifest) -> str:
    return f"{len(run.reused)} of {len(run.artifacts)}"


def _run_columns(run: RunStart | RunManifest | None) -> tuple[str, ...]:
    if run is None:
        return "", "damaged"
    if not isinstance(run, RunManifest):
        return run.flow, "not ended"
    score = f"{run.scores['macro_f1']:.4f}" if "macro_f1" in run.scores else ""
    return run.flow, run.state, _duration(run.seconds), score, _reused(run)


def _artifact_table(run: RunManifest, artifacts: Artifacts) -> Table:
    table = Table("artifact", "key", "took", "", "files", box=None, pad_edge=False, title_justify="left")
    for label, artifact in artifacts.items():
        if isinstance(artifact, str):
            table.add_row(label, run.artifacts[label].key[:12], "", "lost", artifact)
            continue
        manifest = artifact.manifest
        files = [name for name in manifest.files if "/" not in name]
        inside = len(manifest.files) - len(files)
        listed = ", ".join(files) + (f" and {inside} in folders" if inside else "")
        table.add_row(
            label, manifest.key[:12], _duration(manifest.seconds), "reused" if label in run.reused else "", listed
        )
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02}s" if minutes else f"{seconds:.1f}s"


def _console() -> Console:
    """Prints tables; as wide as their content where nobody's screen has to hold them."""
    console = Console(highlight=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, width=400)
