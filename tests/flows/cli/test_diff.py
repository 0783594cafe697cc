import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import BaseModel, JsonValue

from flows.cli import main
from tasks.catalog.step import make_catalog
from tasks.data_folder.local import LocalFolder
from tasks.store import Artifact, ArtifactRef, Ledger, Step
from tasks.store.runs import recorded_run
from tests.flows.cli.conftest import Foldline

TRAINING, BLEND = Step("training", "tasks.classes", ("numpy",)), Step("ensemble", "tasks.classes")
NEXT = Step("training", "tasks.errors", ("numpy",))
"""The same step, computed by other code."""


class Settings(BaseModel):
    """Some settings."""

    epochs: int = 1


def made(ledger: Ledger, step: Step, inputs: Mapping[str, Artifact | str], settings: Settings, text: str) -> Artifact:
    def compute(folder: Path) -> Mapping[str, JsonValue]:
        (folder / "weights").write_text(text)
        return {}

    return ledger.produce(step, inputs, settings, compute)


def run_of(
    ledger: Ledger, epochs: int = 1, step: Step = TRAINING, score: float = 0.5, more: Mapping[str, ArtifactRef] = {}
) -> str:
    """A run with a model and an ensemble, both of which say how many epochs there were."""
    settings = {"about": f"epochs: {epochs}", "training": {"epochs": epochs}}
    with recorded_run(ledger.backend, "retrain", "sample", settings, "photos") as run:
        model = made(ledger, step, {"fold": "0"}, Settings(epochs=epochs), str(epochs))
        run.keep("fold-0", model.ref, reused=model.reused)
        run.keep("ensemble", made(ledger, BLEND, {"fold-0": model}, Settings(), str(epochs)).ref, reused=False)
        for name, ref in more.items():
            run.keep(name, ref, reused=True)
        run.scores["macro_f1"] = score
    return run.start.run


def described(lines: list[str]) -> dict[str, str]:
    """The lines, by what they begin with, columns apart by two spaces."""
    return {line.split()[0] if line.strip() else "": " ".join(line.split()[1:]) for line in reversed(lines)}


def test_run_is_the_same_as_itself(foldline: Foldline, ledger: Ledger) -> None:
    name = run_of(ledger)
    lines = described(foldline("diff", name, name))
    assert [lines[label] for label in ("photos", "settings", "libraries", "code")] == ["same"] * 4
    assert [lines[label] for label in ("fold-0", "ensemble")] == ["same"] * 2
    assert lines["macro"] == "f1 0.5000 0.5000 +0.0000"


def test_what_moved_the_score_is_seen_at_once(foldline: Foldline, ledger: Ledger) -> None:
    lines = described(foldline("diff", run_of(ledger), run_of(ledger, epochs=5, score=0.25)))
    assert lines["macro"] == "f1 0.5000 0.2500 -0.2500"
    assert lines["settings"] == "training.epochs 1 -> 5"
    assert (lines["libraries"], lines["code"], lines["data"]) == ("same", "same", "photos photos")
    assert lines["fold-0"].startswith("differs ")
    assert lines["fold-0"].endswith("s training.epochs 1 -> 5")
    assert lines["ensemble"].endswith("s input fold-0")


def test_other_code_and_libraries_are_told_by_name_and_same_files_as_such(
    foldline: Foldline, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = run_of(ledger)
    monkeypatch.setattr("tasks.store.keys.version", lambda _: "99.0")
    output = foldline("diff", old, run_of(ledger, step=NEXT))
    lines = described(output)
    assert lines["libraries"].endswith("-> 99.0")
    assert "            new tasks/errors.py:StoreError" in [line.rstrip() for line in output]
    assert "            gone tasks/classes.py:class_name" in [line.rstrip() for line in output]
    assert lines["fold-0"].startswith("same files ")
    assert "code: new tasks/errors.py:AlreadyExistsError, " in lines["fold-0"]


def test_code_that_was_not_recorded_is_told_to_differ(foldline: Foldline, ledger: Ledger) -> None:
    old, new = run_of(ledger), run_of(ledger, step=NEXT)
    ledger.backend.delete([found.key for found in ledger.backend.list("code/")])
    assert described(foldline("diff", old, new))["code"] == "differs; how was not recorded"


def test_changed_photos_are_counted(foldline: Foldline, ledger: Ledger, sample_data: Path, tmp_path: Path) -> None:
    data = shutil.copytree(sample_data, tmp_path / "data")
    old = run_of(ledger, more={"catalog": make_catalog(ledger, LocalFolder(data)).ref})
    first, second, *_ = sorted((data / "train/images").glob("*/mask1.*"))
    first.write_bytes(second.read_bytes())
    new = run_of(ledger, more={"catalog": make_catalog(ledger, LocalFolder(data)).ref})
    lines = described(foldline("diff", old, new))
    told = f"1 photos with other bytes, such as {first.relative_to(data)}"
    assert lines["photos"] == told
    assert lines["catalog"].endswith(f"s data: {told}")
    for table in Path(ledger.backend.url).glob("steps/catalog/*/*/catalog.parquet"):
        table.unlink()
    lines = described(foldline("diff", old, new))
    assert lines["photos"] == "same, as far as what both have can tell"
    assert lines["catalog"].startswith("lost ")


def test_artifacts_that_only_one_run_has_are_new_or_gone(foldline: Foldline, ledger: Ledger) -> None:
    report = made(ledger, Step("report", "tasks.classes"), {}, Settings(), "").ref
    one, two = run_of(ledger), run_of(ledger, more={"report": report})
    assert described(foldline("diff", one, two))["report"] == "new"
    assert described(foldline("diff", two, one))["report"] == "gone"


def test_lost_artifact_is_told_and_hides_no_other(foldline: Foldline, ledger: Ledger) -> None:
    old, new = run_of(ledger), run_of(ledger, epochs=2)
    (manifest, *_) = Path(ledger.backend.url).glob("steps/training/*/manifest.json")
    manifest.unlink()
    lines = described(foldline("diff", old, new))
    assert lines["fold-0"].startswith("lost steps/training/")
    assert lines["ensemble"].endswith("s input fold-0")
    assert lines["code"] == "same, as far as what both have can tell"


def test_run_that_has_not_ended_is_an_error_that_says_so(capsys: pytest.CaptureFixture[str], ledger: Ledger) -> None:
    ended = run_of(ledger)
    with (
        recorded_run(ledger.backend, "retrain", "sample", {}, "photos") as run,
        pytest.raises(SystemExit) as left,
    ):
        main(["diff", ended, run.start.run, "--store", ledger.backend.url])
    assert left.value.code == 1
    assert "has not ended, so what it made is not noted yet" in " ".join(capsys.readouterr().err.split())
