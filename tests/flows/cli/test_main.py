import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli import main
from flows.experiments import shipped_experiments
from tasks.store import open_ledger

COMMANDS = (
    "sample",
    "validate",
    "plan",
    "retrain",
    "runs",
    "show",
    "ls",
    "get",
    "cat",
    "link",
    "lineage",
    "diff",
    "tag",
    "gc",
    "fsck",
)


def exit_status(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    main([*command, "--help"])
    return " ".join(capsys.readouterr().out.replace("│", " ").split())


def test_help_lists_every_command_with_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys)
    for command in COMMANDS:
        assert f" {command} " in text


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("sample", ["--people", "--seed", "--eval", "--flaws", "Same seed, same bytes."]),
        ("validate", ["--data", "--experiment", "--set", "--store", "exits 1 if the gate stops it"]),
        ("retrain", ["--data", "--experiment", "--set", "--store", "[default: laptop]", "train/train.csv"]),
        ("runs", ["--store", "FOLDLINE_STORE"]),
        ("show", ["--store", "s3://bucket/prefix", "the start or the end of it, a tag, or latest"]),
        ("ls", ["--store", "fold-0, or a folder in it: validate/data_docs", "[default: latest]"]),
        ("get", ["--output -o", "submission.csv or fold-0/history.parquet", "a whole artifact"]),
        ("cat", ["--store", "submission.csv or fold-0/history.parquet"]),
        ("link", ["--hours", "[default: 24]", "at most 168", "temporary credentials"]),
        ("lineage", ["--store", "[default: latest]"]),
        ("tag", ["--store", "such as champion"]),
    ],
)
def test_help_of_a_command_describes_its_options(
    capsys: pytest.CaptureFixture[str], command: str, parts: list[str]
) -> None:
    text = help_of(capsys, command)
    assert [part for part in parts if part not in text] == []


def test_help_answers_at_once_without_the_libraries_of_the_steps() -> None:
    heavy = ("torch", "great_expectations", "albumentations", "matplotlib", "prefect", "sklearn", "pandas", "cv2")
    script = f"""
import sys
from flows.cli import main
main(["retrain", "--help"])
loaded = [name for name in {heavy!r} if name in sys.modules]
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    main(["--version"])
    assert capsys.readouterr().out.strip() == version("foldline")


@pytest.mark.parametrize(
    "arguments",
    [
        ("retrain",),
        ("retrain", "--data", "x", "--nonsense"),
        ("nonsense",),
        ("get", "latest"),
        ("cat", "latest"),
        ("sample",),
    ],
    ids=" ".join,
)
def test_wrong_call_shows_what_is_wrong(arguments: tuple[str, ...]) -> None:
    assert exit_status(*arguments) == 2


def test_sample_is_drawn_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["sample", str(tmp_path / "data"), "--people", "2", "--eval", "3"])
    assert f"Drew 14 photos of 2 people, and 3 to predict, in {tmp_path / 'data'}." in capsys.readouterr().out


def test_wrong_configuration_exits_with_2_and_a_line_that_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "something").touch()
    assert exit_status("sample", str(tmp_path)) == 2
    assert "is not empty. Name a new folder" in capsys.readouterr().err


def test_empty_store_has_no_runs_and_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["runs", "--store", str(tmp_path)])
    assert "`foldline retrain --data DIR` makes the first." in capsys.readouterr().out


@pytest.mark.parametrize("command", [("show",), ("show", "2026"), ("get", "latest", "submission.csv")], ids=" ".join)
def test_run_that_is_not_there_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert exit_status(*command, "--store", str(tmp_path)) == 1
    assert "NotInStoreError" in capsys.readouterr().err


def test_store_that_is_a_file_is_a_wrong_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert exit_status("runs", "--store", str(tmp_path / "file")) == 2
    assert "is a file. Name a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("store", "message"),
    [
        ("s3://", "names no bucket. Write s3://bucket/prefix"),
        ("s3://key:topsecret@bucket/prefix", "must not hold credentials"),
        ("https://key:topsecret@host/bucket", "https:// names no store. Write a folder, or s3://bucket/prefix"),
    ],
)
def test_url_that_is_no_store_is_a_wrong_call_and_its_secrets_are_not_repeated(
    capsys: pytest.CaptureFixture[str], store: str, message: str
) -> None:
    assert exit_status("runs", "--store", store) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert message in told
    assert "topsecret" not in told


def test_empty_variable_names_no_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOLDLINE_STORE", "")
    monkeypatch.chdir(tmp_path)
    assert open_ledger().backend.url == str(tmp_path / "foldline-store")


def test_error_of_the_operating_system_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert exit_status("sample", str(tmp_path / "file/below")) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(str(tmp_path / "file"))
    assert line.endswith("Mend that, then run again.")


def test_error_that_is_about_no_file_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def lose_the_network(*_: object, **__: object) -> None:
        raise ConnectionResetError("reset by peer")

    monkeypatch.setattr("flows.cli.history.list_runs", lose_the_network)
    with pytest.raises(ConnectionResetError):
        main(["runs"])


def test_store_that_cannot_be_written_is_told_before_prefect_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tmp").touch()
    assert exit_status("retrain", "--data", "x", "--store", str(tmp_path)) == 1
    captured = capsys.readouterr()
    assert "cannot be written: File exists" in captured.err
    assert "Prefect" not in captured.out


def test_password_in_the_url_of_the_data_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "s3://someone:a-secret@bucket/data"
    assert exit_status("retrain", "--data", url, "--store", str(tmp_path / "store")) == 2
    captured = capsys.readouterr()
    assert "A URL of S3 must not hold credentials" in captured.err
    assert "a-secret" not in captured.out + captured.err
    assert not (tmp_path / "store").exists()


def test_experiments_ship() -> None:
    assert {"baseline", "laptop", "sample"} <= set(shipped_experiments())
