"""Commands about past runs and what they made."""

from collections.abc import Collection
from typing import Annotated

import yaml
from cyclopts import Parameter
from rich.table import Table

from flows.cli.options import RUN_HELP, StoreOptions
from flows.cli.tags import tags_by_run
from flows.cli.terminal import console, duration
from tasks.errors import CorruptFileError, NotInStoreError
from tasks.store import Artifact, ArtifactRef, Ledger, open_ledger
from tasks.store.parallel import in_parallel
from tasks.store.runs import RunManifest, RunStart, find_run, list_runs
from tasks.validate.settings import ARTIFACTS

LINKS = (
    ("submission", "submission", "submission.csv"),
    ("report", "report", "report.html"),
    *(
        ("data docs" if subject == "data" else f"  {subject}", name, "data_docs/index.html")
        for subject, name in ARTIFACTS.items()
    ),
)
"""Files that people look for first: what to call them, artifact, file."""
Artifacts = dict[str, Artifact | str]
"""Artifacts of a run by their names; a text is why one cannot be had."""


def runs(*, options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions()) -> None:
    """List all runs, oldest first."""
    options.choose()
    ledger = open_ledger()
    tags = tags_by_run(ledger.backend)
    columns = ("run", "flow", "state", "took", "macro F1", "reused", *(["tags"] if tags else []))
    table = Table(*columns, box=None, pad_edge=False)
    for name, run in list_runs(ledger.backend).items():
        table.add_row(name, *_run_columns(run), *([", ".join(tags[name])] if tags else []))
    if table.row_count:
        console().print(table)
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
        console().print("", _artifact_table(found, artifacts), sep="\n")
    settings = yaml.safe_dump(found.settings, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
    print(f"\n{settings}", end="")


def artifacts_of(ledger: Ledger, run: RunStart | RunManifest) -> Artifacts:
    """Every artifact of the run by its name; why it cannot be had, where its manifest is lost or damaged."""
    refs = run.artifacts if isinstance(run, RunManifest) else {}
    found = read_artifacts(ledger, refs.values())
    return {label: found[ref] for label, ref in refs.items()}


def read_artifacts(ledger: Ledger, refs: Collection[ArtifactRef]) -> dict[ArtifactRef, Artifact | str]:
    """The artifacts of these names, read at once; why it cannot be had, where a manifest is lost or damaged."""

    def read(ref: ArtifactRef) -> Artifact | str:
        try:
            return ledger.get(ref)
        except (NotInStoreError, CorruptFileError) as error:
            return str(error)

    return dict(zip(refs, in_parallel(read, refs), strict=True))


def print_run(ledger: Ledger, run: RunStart | RunManifest, artifacts: Artifacts) -> None:
    """Print what a run was and where its results are; `artifacts` as `artifacts_of` gives them."""
    facts = {"run": run.run, "state": "not ended", "data": run.data}
    if isinstance(run, RunManifest):
        facts |= {"state": run.state, "took": f"{duration(run.seconds)}; {_reused(run)} artifacts reused"}
        if checks := [
            f"{subject}: {_checks(validation)}"
            for subject, name in ARTIFACTS.items()
            if isinstance(validation := artifacts.get(name), Artifact)
        ]:
            facts["checks"] = f"\n{'':<12}".join(checks)
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
    return f"{summary['expectations']} expectations, failed: {', '.join(counts) or 'none'}"


def _reused(run: RunManifest) -> str:
    return f"{len(run.reused)} of {len(run.artifacts)}"


def _run_columns(run: RunStart | RunManifest | None) -> tuple[str, ...]:
    if run is None:
        return "", "damaged", "", "", ""
    if not isinstance(run, RunManifest):
        return run.flow, "not ended", "", "", ""
    score = f"{run.scores['macro_f1']:.4f}" if "macro_f1" in run.scores else ""
    return run.flow, run.state, duration(run.seconds), score, _reused(run)


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
            label, manifest.key[:12], duration(manifest.seconds), "reused" if label in run.reused else "", listed
        )
    return table
