"""What every backend promises: the same tests over a folder and a bucket."""

import os
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from tasks.errors import AlreadyExistsError, CorruptFileError, NotInStoreError, StoreError
from tasks.store import Backend
from tasks.store.manifest import FileEntry
from tasks.store.refs import advance_ref, read_ref
from tasks.store.verify import describe_files


def folder_of(parent: Path, files: dict[str, bytes]) -> tuple[Path, dict[str, FileEntry]]:
    """A folder with these files, and what they are."""
    folder = parent / f"folder-{len(list(parent.iterdir()))}"
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder, describe_files(folder)


def keys(backend: Backend, prefix: str) -> list[str]:
    return [found.key for found in backend.list(prefix)]


def test_created_object_is_there_and_cannot_be_created_again(backend: Backend) -> None:
    backend.create("a/b.json", b"first")
    with pytest.raises(AlreadyExistsError, match=r"a/b\.json is in .* already"):
        backend.create("a/b.json", b"second")
    assert backend.read("a/b.json") == b"first"


def test_of_16_writers_who_race_for_a_ref_one_wins_and_all_know(backend: Backend) -> None:
    for number in range(10):
        start = Barrier(16)

        def race(racer: int, number: int = number, start: Barrier = start) -> int | None:
            start.wait()
            try:
                advance_ref(backend, "champion", f"run-{racer}", after=number)
            except AlreadyExistsError:
                return None
            return racer

        with ThreadPoolExecutor(16) as threads:
            winners = [racer for racer in threads.map(race, range(16)) if racer is not None]
        assert len(winners) == 1
        assert read_ref(backend, "champion").run == f"run-{winners[0]}"
    assert len(keys(backend, "refs/champion/")) == 10


def test_uploaded_files_come_back_byte_for_byte(backend: Backend, tmp_path: Path) -> None:
    contents = {"table": os.urandom(1000), "docs/deep/page.html": b"<p>", "empty": b"", "with space & ü": b"1"}
    folder, files = folder_of(tmp_path, contents)
    backend.upload(folder, "steps/a/b", files)
    paths = backend.download("steps/a/b", files)
    assert {name: path.read_bytes() for name, path in paths.items()} == contents
    assert {name: (folder / name).read_bytes() for name in contents} == contents
    assert keys(backend, "steps/a/") == sorted(f"steps/a/b/{name}" for name in contents)


def test_file_of_many_parts_comes_back_byte_for_byte(backend: Backend, tmp_path: Path) -> None:
    folder, files = folder_of(tmp_path, {"large": os.urandom(40 << 20)})
    backend.upload(folder, "steps/a", files)
    assert backend.describe("steps/a/large") == files["large"]
    assert backend.download("steps/a", files)["large"].read_bytes() == (folder / "large").read_bytes()


def test_upload_replaces_what_is_there(backend: Backend, tmp_path: Path) -> None:
    for content in (b"old", b"new!"):
        folder, files = folder_of(tmp_path, {"file": content})
        backend.upload(folder, "a", files)
        assert backend.download("a", files)["file"].read_bytes() == content
        assert backend.describe("a/file") == files["file"]


def test_file_that_is_not_what_it_should_be_is_not_taken_for_uploaded(backend: Backend, tmp_path: Path) -> None:
    folder, files = folder_of(tmp_path, {"file": b"as it was"})
    (folder / "file").write_bytes(b"changed meanwhile")
    with pytest.raises(StoreError):
        backend.upload(folder, "a", files)


def test_listing_tells_size_and_time_and_is_sorted(backend: Backend) -> None:
    before = datetime.now(UTC)
    for key in ("runs/b/x", "runs/a/x", "refs/c", "runs-not/a"):
        backend.create(key, b"1234")
    found = list(backend.list("runs/"))
    assert [entry.key for entry in found] == ["runs/a/x", "runs/b/x"]
    assert {entry.size for entry in found} == {4}
    for entry in found:
        assert before - timedelta(seconds=2) < entry.modified < datetime.now(UTC) + timedelta(seconds=2)
    assert list(backend.list("nothing/")) == []


def test_missing_object_is_an_error_that_names_it(backend: Backend) -> None:
    for look in (backend.read, backend.describe):
        with pytest.raises(NotInStoreError, match="a/b"):
            look("a/b")
    missing = {"b": FileEntry(sha256="0" * 64, size=3)}
    with pytest.raises(NotInStoreError, match="a/b"):
        backend.download("a", missing)


@pytest.mark.parametrize("content", [b"as it w\0s", b"as it", b"as it was and more", b""])
def test_damaged_object_is_named_and_never_handed_out(backend: Backend, tmp_path: Path, content: bytes) -> None:
    folder, files = folder_of(tmp_path, {"file": b"as it was"})
    other, damaged = folder_of(tmp_path, {"file": content})
    backend.upload(other, "a", damaged)
    with pytest.raises(CorruptFileError, match="a/file is damaged"):
        backend.download("a", files)
    assert folder


def test_deleted_objects_are_gone_and_others_stay(backend: Backend) -> None:
    for key in ("steps/a/1/x", "steps/a/1/y", "steps/b/x"):
        backend.create(key, b"")
    backend.delete(["steps/a/1/x", "steps/a/1/y", "steps/not/there"])
    assert keys(backend, "steps/") == ["steps/b/x"]


def test_link_shows_the_object(backend: Backend, tmp_path: Path) -> None:
    folder, files = folder_of(tmp_path, {"report.html": b"<p>hello"})
    backend.upload(folder, "a", files)
    with urllib.request.urlopen(backend.link("a/report.html", timedelta(minutes=5))) as answer:  # noqa: S310
        assert (answer.read(), answer.headers.get_content_type()) == (b"<p>hello", "text/html")


def test_scratch_folder_is_gone_after_the_block_and_after_a_failure(backend: Backend) -> None:
    with backend.scratch() as first:
        (first / "file").touch()
    assert not first.exists()
    with pytest.raises(ValueError, match="no"), backend.scratch() as second:
        raise ValueError("no")
    assert not second.exists()
