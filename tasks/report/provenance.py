"""Where a run's results come from: steps, settings, libraries, code."""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from tasks.report.run import RunTables, folds_of
from tasks.store import Artifact

HEADLINE = {
    "backbone": ("fold-0", "backbone"),
    "epochs": ("fold-0", "epochs"),
    "heads": ("fold-0", "heads"),
    "crop": ("faces", "crop"),
}
"""Settings at the head of the report: their names there, the artifact that was made with them, and its own name."""


@dataclass(frozen=True)
class StepRow:
    """What is known of an artifact of the run.

    Attributes:
        name: its name in the run.
        step: the step that made it.
        folder: where it lies in the store.
        seconds: how long making it took.
        share: of the time of all, 0..1.
        device: what it was computed on.
        started: when, UTC.
        commit: git commit of the code, if known.
    """

    name: str
    step: str
    folder: str
    seconds: float
    share: float
    device: str
    started: datetime
    commit: str | None


@dataclass(frozen=True)
class Provenance:
    """Where a run's results come from.

    Attributes:
        steps: in the order in which they started.
        seconds: time of all steps together.
        settings: as text, by artifact and name; one fold stands for all.
        libraries: versions of the libraries that decide numbers, by name.
    """

    steps: list[StepRow]
    seconds: float
    settings: dict[str, dict[str, str]]
    libraries: dict[str, str]


def trace(run: RunTables) -> Provenance:
    """Where the run's results come from."""
    manifests = {name: artifact.manifest for name, artifact in run.artifacts.items()}
    total = sum(manifest.seconds for manifest in manifests.values())
    rows = [_step_row(name, artifact, total) for name, artifact in run.artifacts.items()]
    other_folds = [f"fold-{number}" for number in list(folds_of(run.artifacts))[1:]]
    return Provenance(
        steps=sorted(rows, key=lambda row: (row.started, row.name)),
        seconds=total,
        settings={
            name: {setting: _text(value) for setting, value in manifest.settings.items()}
            for name, manifest in manifests.items()
            if manifest.settings and name not in other_folds
        },
        libraries=_libraries(run),
    )


def headline_settings(run: RunTables) -> dict[str, str]:
    """The settings that tell experiments apart at a glance; those that no step recorded are left out."""
    found = {label: run.artifacts[name].manifest.settings.get(key) for label, (name, key) in HEADLINE.items()}
    return {label: _text(value) for label, value in found.items() if value is not None}


def splits_persons(run: RunTables) -> bool:
    """Whether photos that belong together lie in several folds: then scores are too good to be believed."""
    return bool((run.train.groupby("group")["fold"].nunique() > 1).any())


def _step_row(name: str, artifact: Artifact, total: float) -> StepRow:
    manifest = artifact.manifest
    return StepRow(
        name=name,
        step=manifest.step,
        folder=artifact.root,
        seconds=manifest.seconds,
        share=manifest.seconds / total if total else 0.0,
        device=manifest.device,
        started=manifest.started,
        commit=manifest.commit,
    )


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _libraries(run: RunTables) -> dict[str, str]:
    """Versions by library; several if artifacts were made with different ones."""
    versions = defaultdict(set)
    for artifact in run.artifacts.values():
        for library, version in artifact.manifest.libraries.items():
            versions[library].add(version)
    return {library: ", ".join(sorted(found)) for library, found in sorted(versions.items())}
