from pathlib import Path

from tasks.store import Ledger
from tests.flows.cli.conftest import Foldline


def test_runs_lists_every_run_with_how_it_ended(foldline: Foldline, name: str) -> None:
    header, first, second = foldline("runs")
    assert header.split() == ["run", "flow", "state", "took", "macro", "F1", "reused"]
    assert first.split()[:3] == [name, "retrain", "completed"]
    assert first.split()[4:] == ["0.5123", "1", "of", "5"]
    assert second.split()[1:3] == ["validate-data", "failed"]


def test_show_is_about_the_latest_completed_run_and_lists_its_files(foldline: Foldline, name: str) -> None:
    lines = foldline("show")
    facts = {line[:12].strip(): line[12:] for line in reversed(lines)}
    assert facts["run"] == name
    assert facts["macro f1"] == "0.5123"
    assert facts["checks"] == "data: 22 expectations, failed: 2 warning, 1 info"
    assert Path(facts["submission"]).read_text() == "a,1\n"
    assert any(line.startswith("ensemble") and "oof.parquet and 1 in folders" in line for line in lines)


def test_show_tells_why_a_run_failed(foldline: Foldline, name: str) -> None:
    failed = foldline("runs")[2].split()[0]
    assert failed != name
    assert "error       the disk is gone" in foldline("show", failed)


def test_show_prints_the_settings_as_an_experiment_file(foldline: Foldline, name: str) -> None:
    assert foldline("show", name)[-1] == "training: {epochs: 3}"


def test_lost_artifact_hides_neither_the_run_nor_its_other_files(
    foldline: Foldline, ledger: Ledger, name: str, tmp_path: Path
) -> None:
    (manifest,) = Path(ledger.backend.url).glob("steps/training/*/manifest.json")
    manifest.unlink()
    lost = next(line for line in foldline("show", name) if line.startswith("fold-0"))
    assert "lost" in lost
    assert foldline("get", name, "submission.csv", "-o", str(tmp_path))


def test_damaged_run_hides_no_other_run(foldline: Foldline, ledger: Ledger, name: str) -> None:
    (Path(ledger.backend.url) / f"runs/{name}/manifest.json").write_text("")
    _, *lines = foldline("runs")
    assert [line.split()[1:3] for line in lines] == [["damaged"], ["validate-data", "failed"]]
