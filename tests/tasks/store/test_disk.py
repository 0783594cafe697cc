"""A disk that is full, or can only be read: clear errors, nothing half-written, and all is well once it is mended."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.errors import StoreError
from tasks.store import Backend, open_backend
from tasks.store.folder import FolderBackend
from tasks.store.verify import describe_files


def mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=3m", "none", str(disk)):
        pytest.skip("no disk can be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a file that fits, and one that does not."""
    folder = tmp_path / "source"
    for name, size in (("fits", 500_000), ("does-not", 5_000_000)):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_bytes(b"x" * size)
    return folder


@pytest.fixture
def from_bucket(bucket: str, source: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """A store in a bucket that has both files, looked at with an empty cache on the small disk."""
    url = f"s3://{bucket}/store"
    for name in ("fits", "does-not"):
        open_backend(url).upload(source / name, name, describe_files(source / name))
    monkeypatch.setenv("FOLDLINE_CACHE", str(small_disk))
    return open_backend(url)


def test_upload_to_a_full_disk_is_a_clear_error_and_leaves_nothing(small_disk: Path, source: Path) -> None:
    backend = FolderBackend(small_disk)
    with pytest.raises(StoreError, match=r"does-not/file cannot be written: No space left on device\. Free space"):
        backend.upload(source / "does-not", "does-not", describe_files(source / "does-not"))
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []
    backend.upload(source / "fits", "fits", describe_files(source / "fits"))
    assert [found.size for found in backend.list("fits/")] == [500_000]


def test_download_to_a_full_disk_is_a_clear_error_and_leaves_nothing(
    from_bucket: Backend, small_disk: Path, source: Path
) -> None:
    with pytest.raises(StoreError, match=r"No space left on device\. .* another folder with FOLDLINE_CACHE"):
        from_bucket.download("does-not", describe_files(source / "does-not"))
    assert [path.stat().st_size for path in small_disk.rglob("*") if path.is_file()] in ([], [0])
    fits = describe_files(source / "fits")
    assert from_bucket.download("fits", fits)["file"].stat().st_size == 500_000


def test_cache_that_can_only_be_read_gives_what_it_has_and_says_that_it_cannot_take_more(
    from_bucket: Backend, small_disk: Path, source: Path
) -> None:
    fits = describe_files(source / "fits")
    script = """
import sys
from pathlib import Path
from tasks.store import open_backend
from tasks.store.verify import describe_files
open_backend(sys.argv[1]).download("fits", describe_files(Path(sys.argv[2])))
"""
    subprocess.run([sys.executable, "-c", script, from_bucket.url, str(source / "fits")], check=True)
    assert mount("-o", "remount,ro", str(small_disk))
    assert from_bucket.download("fits", fits)["file"].stat().st_size == 500_000
    with pytest.raises(StoreError, match=r"Read-only file system\. .* another folder with FOLDLINE_CACHE"):
        from_bucket.download("does-not", describe_files(source / "does-not"))
    assert mount("-o", "remount,rw", str(small_disk))


def test_store_that_can_only_be_read_says_so_before_anything_is_spent(small_disk: Path) -> None:
    backend = FolderBackend(small_disk / "store")
    backend.check()
    assert mount("-o", "remount,ro", str(small_disk))
    with pytest.raises(StoreError, match=r"store/tmp cannot be written: Read-only file system"):
        backend.check()
