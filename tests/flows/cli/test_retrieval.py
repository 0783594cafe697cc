import errno
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from flows.cli import main
from tasks.store import Artifact, Backend, Ledger
from tasks.store.runs import RunManifest, read_run, recorded_run
from tests.flows.cli.conftest import WEIGHTS, Foldline


@pytest.fixture
def ledger(backend: Backend) -> Ledger:
    """Over a folder and a bucket, one after the other."""
    return Ledger(backend)


@pytest.fixture
def elsewhere(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if on another machine than the run's, where nothing is in the cache."""
    assert name
    monkeypatch.setenv("FOLDLINE_CACHE", str(tmp_path / "another-cache"))


def stored(ledger: Ledger, run: str, name: str) -> Artifact:
    """The artifact that a run has under `name`."""
    found = read_run(ledger.backend, run)
    assert isinstance(found, RunManifest)
    return ledger.get(found.artifacts[name])


def replace(ledger: Ledger, key: str, content: bytes) -> None:
    ledger.backend.delete([key])
    ledger.backend.create(key, content)


def files_below(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def complaint(capsys: pytest.CaptureFixture[str], status: int, *arguments: str) -> str:
    """What the command line complains of when it exits with `status`, having printed nothing else."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    captured = capsys.readouterr()
    assert (left.value.code, captured.out) == (status, "")
    return " ".join(captured.err.split())


def test_show_says_where_in_the_store_the_files_are(foldline: Foldline, ledger: Ledger, name: str) -> None:
    url, _ = (line[12:] for line in foldline("show", name) if line.startswith("report  "))
    assert url == f"{ledger.backend.url}/{stored(ledger, name, 'report').root}/report.html"


@pytest.mark.usefixtures("name")
def test_ls_lists_every_file_with_size_and_digest_and_the_total(foldline: Foldline) -> None:
    header, *lines, total = foldline("ls")
    assert header.split() == ["size", "sha256", "file"]
    assert len(lines) == 9
    assert ["512.0", "kB", sha256(WEIGHTS).hexdigest()[:12], "fold-0/weights"] in [line.split() for line in lines]
    assert total == "9 files, 512.0 kB"


@pytest.mark.parametrize(
    ("wanted", "paths"),
    [
        ("fold-0", ["fold-0/oof.parquet", "fold-0/weights"]),
        ("validate/data_docs", ["validate/data_docs/assets/style.css", "validate/data_docs/index.html"]),
        ("submission.csv", ["submission/submission.csv"]),
    ],
)
def test_ls_lists_only_what_is_asked_for(foldline: Foldline, name: str, wanted: str, paths: list[str]) -> None:
    _, *lines, _ = foldline("ls", name, wanted)
    assert sorted(line.split()[-1] for line in lines) == paths


def test_ls_tells_which_artifacts_are_lost(foldline: Foldline, ledger: Ledger, name: str) -> None:
    ref = stored(ledger, name, "ensemble").ref
    ledger.backend.delete([f"steps/{ref.step}/{ref.key}/manifest.json"])
    _, *lines, total = foldline("ls", name)
    assert lines[-1].split()[:2] == ["lost", "ensemble:"]
    assert total.startswith("7 files")


def test_files_of_a_run_that_has_not_ended_are_not_known(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    with recorded_run(ledger.backend, "retrain", "laptop", {}, "photos") as run:
        told = complaint(capsys, 1, "ls", run.start.run, "--store", ledger.backend.url)
    assert f"Run {run.start.run} has not ended" in told


def test_get_copies_a_file_into_a_folder_or_under_a_new_name(foldline: Foldline, name: str, tmp_path: Path) -> None:
    into_folder = foldline("get", name, "submission.csv", "-o", str(tmp_path))
    under_name = foldline("get", "latest", "submission.csv", "--output", str(tmp_path / "mine.csv"))
    assert [*into_folder, *under_name] == [str(tmp_path / "submission.csv"), str(tmp_path / "mine.csv")]
    assert (tmp_path / "mine.csv").read_text() == (tmp_path / "submission.csv").read_text() == "a,1\n"


@pytest.mark.usefixtures("elsewhere")
def test_get_copies_artifacts_and_folders_as_cp_does(foldline: Foldline, name: str, tmp_path: Path) -> None:
    there, new = tmp_path / "there", tmp_path / "new"
    there.mkdir()
    asked = ["ensemble", "validate/data_docs", "report.html"]
    copied = foldline("get", name, *asked, "-o", str(there))
    assert copied == [str(there / last) for last in ("ensemble", "data_docs", "report.html")]
    docs = {"index.html": "<p>", "assets/style.css": "p {}"}
    assert files_below(there) == {
        "ensemble/oof.parquet": "all",
        "ensemble/docs/a.css": "",
        **{f"data_docs/{file}": content for file, content in docs.items()},
        "report.html": "<h1>Report",
    }
    assert foldline("get", name, "validate/data_docs/", "-o", str(new)) == [str(new)]
    assert files_below(new) == docs


@pytest.mark.usefixtures("elsewhere")
def test_get_replaces_what_is_there_by_a_file_that_can_be_written(
    foldline: Foldline, name: str, tmp_path: Path
) -> None:
    target = tmp_path / "submission.csv"
    target.write_text("before")
    opened = target.open()
    foldline("get", name, "submission.csv", "-o", str(tmp_path))
    with opened:
        assert opened.read() == "before"
    assert target.read_text() == "a,1\n"
    assert target.stat().st_mode & 0o200


def test_get_refuses_files_that_would_replace_each_other(
    ledger: Ledger, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    output.mkdir()
    asked = ["fold-0/oof.parquet", "ensemble/oof.parquet", "submission.csv", "submission/submission.csv"]
    told = complaint(capsys, 2, "get", name, *asked, "-o", str(output), "--store", ledger.backend.url)
    assert "1 files would replace others of the same name, such as ensemble/oof.parquet to" in told
    assert files_below(output) == {}


@pytest.mark.parametrize("asked", [["submission.csv"], ["submission.csv", "report.html"]], ids=["one", "several"])
def test_get_into_a_folder_that_is_not_there_is_a_wrong_call(
    ledger: Ledger, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str]
) -> None:
    output = tmp_path / "not" / "there"
    told = complaint(capsys, 2, "get", name, *asked, "-o", str(output), "--store", ledger.backend.url)
    assert "is no folder to copy submission/submission.csv" in told


@pytest.mark.usefixtures("elsewhere")
def test_get_of_a_damaged_file_writes_nothing(
    ledger: Ledger, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    output.mkdir()
    replace(ledger, f"{stored(ledger, name, 'fold-0').root}/oof.parquet", b"fo1d")
    told = complaint(capsys, 1, "get", name, "report.html", "fold-0", "-o", str(output), "--store", ledger.backend.url)
    assert "oof.parquet is damaged" in told
    assert list(output.iterdir()) == []


def test_get_that_fails_half_way_leaves_what_was_there(
    ledger: Ledger,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    copy = shutil.copyfile

    def fill_the_disk(source: Path, target: Path) -> None:
        copy(source, target)
        if target.name == "weights":
            raise OSError(errno.ENOSPC, "No space left on device")

    output = tmp_path / "out"
    (output / "fold-0").mkdir(parents=True)
    (output / "fold-0/oof.parquet").write_text("before")
    monkeypatch.setattr(shutil, "copyfile", fill_the_disk)
    told = complaint(capsys, 1, "get", name, "fold-0", "-o", str(output), "--store", ledger.backend.url)
    assert "No space left on device" in told
    assert files_below(output) == {"fold-0/oof.parquet": "before"}


def test_get_writes_through_a_link(foldline: Foldline, name: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "linked")
    foldline("get", name, "submission.csv", "-o", str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "linked").read_text() == "a,1\n"


def test_get_writes_into_a_pipe_or_a_device_and_does_not_replace_it(
    foldline: Foldline, name: str, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as threads:
        read = threads.submit(pipe.read_text)
        foldline("get", name, "submission.csv", "-o", str(pipe))
        assert read.result() == "a,1\n"
    foldline("get", name, "submission.csv", "-o", "/dev/null")
    assert Path("/dev/null").is_char_device()


def test_get_writes_nothing_outside_the_folder_whatever_a_manifest_says(
    ledger: Ledger, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifact = stored(ledger, name, "fold-0")
    forged = json.loads(artifact.manifest.model_dump_json())
    forged["files"] = {"../../outside": forged["files"]["weights"], **forged["files"]}
    replace(ledger, f"steps/training/{artifact.ref.key}/manifest.json", json.dumps(forged).encode())
    told = complaint(capsys, 1, "get", name, "fold-0", "-o", str(tmp_path), "--store", ledger.backend.url)
    assert "fold-0/../../outside leads out of its artifact" in told
    assert not (tmp_path / "fold-0").exists()


def test_cat_writes_the_bytes_and_nothing_else(
    ledger: Ledger, name: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    main(["cat", name, "weights", "--store", ledger.backend.url])
    assert capfdbinary.readouterr() == (WEIGHTS, b"")


@pytest.mark.parametrize(("file", "wanted"), [("weights", WEIGHTS[:3]), ("submission.csv", b"")])
def test_cat_into_a_pipe_that_is_closed_early_ends_quietly(
    ledger: Ledger, name: str, file: str, wanted: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    command = [sys.executable, "-m", "flows.cli", "cat", name, file, "--store", ledger.backend.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.read(len(wanted)) == wanted
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.usefixtures("elsewhere")
def test_cat_of_a_damaged_file_writes_nothing(ledger: Ledger, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    replace(ledger, f"{stored(ledger, name, 'submission').root}/submission.csv", b"a,2\n")
    assert "is damaged" in complaint(capsys, 1, "cat", name, "submission.csv", "--store", ledger.backend.url)


def test_link_opens_as_a_page_without_credentials(
    ledger: Ledger, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["link", name, "report.html", "--hours", "1.5", "--store", ledger.backend.url])
    captured = capsys.readouterr()
    (url,) = captured.out.splitlines()
    with urllib.request.urlopen(url) as answer:  # noqa: S310
        assert (answer.read(), answer.headers.get_content_type()) == (b"<h1>Report", "text/html")
    if ledger.backend.url.startswith("s3:"):
        assert "X-Amz-Expires=5400&" in url
        assert captured.err == "Valid for 1.5 hours.\n"
    else:
        assert captured.err == "Valid for as long as the file is there.\n"


@pytest.mark.parametrize("hours", ["0", "-1", "168.5", "nan"])
def test_link_for_longer_than_s3_allows_is_a_wrong_call(hours: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = complaint(capsys, 2, "link", "latest", "report.html", "--hours", hours)
    assert "for a minute to 168 hours, which is S3's limit" in told
