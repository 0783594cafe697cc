import errno
import shutil
from pathlib import Path

import pytest
from pydantic import JsonValue

from flows.cli import main
from flows.cli.history import find_file
from tasks.errors import NotInStoreError
from tasks.store import Artifact, Ledger, Step
from tasks.store.runs import advance_latest, read_run, recorded_run


def artifact(ledger: Ledger, step: str, files: dict[str, str], summary: dict[str, JsonValue] | None = None) -> Artifact:
    def compute(folder: Path) -> dict[str, JsonValue]:
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(content)
        return summary or {}

    return ledger.produce(Step(step, "tasks.classes"), {}, None, compute)


CHECKED: dict[str, JsonValue] = {"expectations": 22, "failed": {"critical": 0, "warning": 2, "info": 1}}


@pytest.fixture
def name(ledger: Ledger) -> str:
    """A completed run with four artifacts, and after it one that failed."""
    with recorded_run(ledger.backend, "retrain", "laptop", {"training": {"epochs": 3}}, "photos") as run:
        run.keep("submission", artifact(ledger, "submission", {"submission.csv": "a,1\n"}).ref, reused=False)
        run.keep("fold-0", artifact(ledger, "training", {"oof.parquet": "fold"}).ref, reused=True)
        run.keep("ensemble", artifact(ledger, "ensemble", {"oof.parquet": "all", "docs/a.css": ""}).ref, reused=False)
        run.keep("validate", artifact(ledger, "validate", {"data_docs/index.html": ""}, CHECKED).ref, reused=False)
        run.scores["macro_f1"] = 0.51234
    advance_latest(ledger.backend, run.start.run)
    with (
        pytest.raises(NotInStoreError),
        recorded_run(ledger.backend, "validate-data", "laptop", {}, "photos"),
    ):
        raise NotInStoreError("the disk is gone")
    return run.start.run


def output(capsys: pytest.CaptureFixture[str], ledger: Ledger, *arguments: str) -> list[str]:
    main([*arguments, "--store", ledger.backend.url])
    return capsys.readouterr().out.splitlines()


def test_runs_lists_every_run_with_how_it_ended(capsys: pytest.CaptureFixture[str], ledger: Ledger, name: str) -> None:
    header, first, second = output(capsys, ledger, "runs")
    assert header.split() == ["run", "flow", "state", "took", "macro", "F1", "reused"]
    assert first.split()[:3] == [name, "retrain", "completed"]
    assert first.split()[4:] == ["0.5123", "1", "of", "4"]
    assert second.split()[1:3] == ["validate-data", "failed"]


def test_show_is_about_the_latest_completed_run_and_lists_its_files(
    capsys: pytest.CaptureFixture[str], ledger: Ledger, name: str
) -> None:
    lines = output(capsys, ledger, "show")
    facts = {line[:12].strip(): line[12:] for line in reversed(lines)}
    assert facts["run"] == name
    assert facts["macro f1"] == "0.5123"
    assert facts["checks"] == "22 expectations; failed: 2 warning, 1 info"
    assert Path(facts["submission"]).read_text() == "a,1\n"
    assert any(line.startswith("ensemble") and line.endswith("oof.parquet and 1 in folders") for line in lines)


def test_show_tells_why_a_run_failed(capsys: pytest.CaptureFixture[str], ledger: Ledger, name: str) -> None:
    failed = output(capsys, ledger, "runs")[2].split()[0]
    assert failed != name
    assert "error       the disk is gone" in output(capsys, ledger, "show", failed)


def test_show_prints_the_settings_as_an_experiment_file(
    capsys: pytest.CaptureFixture[str], ledger: Ledger, name: str
) -> None:
    assert output(capsys, ledger, "show", name)[-1] == "training: {epochs: 3}"


def test_lost_artifact_hides_neither_the_run_nor_its_other_files(
    capsys: pytest.CaptureFixture[str], ledger: Ledger, name: str, tmp_path: Path
) -> None:
    (manifest,) = Path(ledger.backend.url).glob("steps/training/*/manifest.json")
    manifest.unlink()
    lost = next(line for line in output(capsys, ledger, "show", name) if line.startswith("fold-0"))
    assert "lost" in lost
    assert output(capsys, ledger, "get", name, "submission.csv", "-o", str(tmp_path))
    with pytest.raises(NotInStoreError, match=r"means no file of run .* fold-0 can no longer be read: "):
        find_file(ledger, read_run(ledger.backend, name), "fold-0/oof.parquet")


def test_damaged_run_hides_no_other_run(capsys: pytest.CaptureFixture[str], ledger: Ledger, name: str) -> None:
    (Path(ledger.backend.url) / f"runs/{name}/manifest.json").write_text("")
    _, *lines = output(capsys, ledger, "runs")
    assert [line.split()[1:3] for line in lines] == [["damaged"], ["validate-data", "failed"]]


def test_get_copies_a_file_into_a_folder_or_under_a_new_name(
    capsys: pytest.CaptureFixture[str], ledger: Ledger, name: str, tmp_path: Path
) -> None:
    into_folder = output(capsys, ledger, "get", name, "submission.csv", "-o", str(tmp_path))
    under_name = output(capsys, ledger, "get", "latest", "submission.csv", "--output", str(tmp_path / "mine.csv"))
    assert [*into_folder, *under_name] == [str(tmp_path / "submission.csv"), str(tmp_path / "mine.csv")]
    assert (tmp_path / "mine.csv").read_text() == (tmp_path / "submission.csv").read_text() == "a,1\n"


def test_get_that_fails_half_way_leaves_what_was_there(
    ledger: Ledger, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill_the_disk(source: Path, target: Path) -> None:
        del source
        (Path(target) / "half").write_text("a")
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "mine.csv").write_text("before")
    monkeypatch.setattr(shutil, "copy", fill_the_disk)
    with pytest.raises(SystemExit):
        output(capsys, ledger, "get", name, "submission.csv", "-o", str(tmp_path / "mine.csv"))
    assert "No space left on device" in capsys.readouterr().err
    assert (tmp_path / "mine.csv").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_get_writes_through_a_link_and_into_a_pipe(
    capsys: pytest.CaptureFixture[str], ledger: Ledger, name: str, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "linked")
    output(capsys, ledger, "get", name, "submission.csv", "-o", str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "linked").read_text() == "a,1\n"
    output(capsys, ledger, "get", name, "submission.csv", "-o", "/dev/null")
    assert not Path("/dev/null").is_file()


def test_get_refuses_a_file_whose_bytes_have_changed(
    capsys: pytest.CaptureFixture[str], ledger: Ledger, name: str, tmp_path: Path
) -> None:
    (stored,) = Path(ledger.backend.url).glob("steps/submission/*/*/submission.csv")
    stored.write_text("a,2\n")
    with pytest.raises(SystemExit):
        output(capsys, ledger, "get", name, "submission.csv", "-o", str(tmp_path))
    assert "is damaged" in capsys.readouterr().err
    assert not (tmp_path / "submission.csv").exists()


def test_file_name_that_several_artifacts_have_needs_the_artifact(ledger: Ledger, name: str) -> None:
    run = read_run(ledger.backend, name)
    with pytest.raises(NotInStoreError, match=r"'oof\.parquet' means 2 files, such as "):
        find_file(ledger, run, "oof.parquet")
    found, file = find_file(ledger, run, "fold-0/oof.parquet")
    assert found.path(file).read_text() == "fold"


def test_file_that_a_run_does_not_have_is_an_error_that_says_how_to_look(ledger: Ledger, name: str) -> None:
    with pytest.raises(NotInStoreError, match=f"means no file of run {name}. `foldline show {name}` lists its files"):
        find_file(ledger, read_run(ledger.backend, name), "nothing.csv")
