import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tasks.errors import ConfigError, StoreError
from tasks.store.cache import Cache, open_cache
from tasks.store.manifest import FileEntry

KEEP = """
import sys, time
from hashlib import sha256
from pathlib import Path
from tasks.store.cache import Cache
from tasks.store.manifest import FileEntry
cache = Cache(Path(sys.argv[1]), int(sys.argv[2]))
def entry(content): return FileEntry(sha256=sha256(content).hexdigest(), size=len(content))
def add(content):
    with cache.scratch() as folder:
        (folder / "file").write_bytes(content)
        return cache.add(folder / "file", entry(content))
"""


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", 10_000)


def entry_of(content: bytes) -> FileEntry:
    return FileEntry(sha256=sha256(content).hexdigest(), size=len(content))


def add(cache: Cache, content: bytes) -> Path:
    with cache.scratch() as folder:
        (folder / "file").write_bytes(content)
        return cache.add(folder / "file", entry_of(content))


def cached(cache: Cache) -> list[Path]:
    """The files that all processes share."""
    return sorted((cache.folder / "files").glob("*/*"))


def in_a_process(cache: Cache, script: str) -> str:
    """What a process of its own prints, that works with the same cache."""
    command = [sys.executable, "-c", KEEP + script, str(cache.folder), str(cache.limit)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_what_was_added_is_found_by_its_digest_in_every_process(cache: Cache) -> None:
    assert cache.find(entry_of(b"photo")) is None
    assert add(cache, b"photo").read_bytes() == b"photo"
    found = cache.find(entry_of(b"photo"))
    assert found
    assert found.read_bytes() == b"photo"
    assert in_a_process(cache, "print(cache.find(entry(b'photo')).read_bytes())") == "b'photo'\n"
    assert in_a_process(cache, "print(cache.find(entry(b'other')))") == "None\n"


def test_cache_stays_below_its_limit_and_lets_the_longest_unused_go(cache: Cache) -> None:
    contents = [bytes([number]) * 1000 for number in range(30)]
    for content in contents:
        add(cache, content)
        if len(cached(cache)) > 1:
            cache.find(entry_of(contents[0]))
    assert sum(path.stat().st_size for path in cached(cache)) <= cache.limit * 1.1
    other = Cache(cache.folder, cache.limit)
    assert other.find(entry_of(contents[-1]))
    assert other.find(entry_of(contents[0]))
    assert other.find(entry_of(contents[1])) is None


def test_file_stays_with_the_process_that_asked_for_it_after_the_cache_let_it_go(cache: Cache) -> None:
    held = add(cache, b"held")
    in_a_process(cache, "for number in range(40): add(bytes([number]) * 1000)")
    assert entry_of(b"held").sha256 not in {path.name for path in cached(cache)}
    assert held.read_bytes() == b"held"


def test_process_leaves_no_file_of_its_own_behind(cache: Cache) -> None:
    add(cache, b"ours")
    assert in_a_process(cache, "print(add(b'theirs').exists())") == "True\n"
    killed = subprocess.run(
        [sys.executable, "-c", KEEP + "add(b'killed'); import os; os.kill(os.getpid(), 9)", str(cache.folder), "10000"],
        check=False,
    )
    assert killed.returncode == -9
    in_a_process(cache, "add(b'sweeps')")
    assert [path.name for path in (cache.folder / "in-use").glob("*/*")] == [entry_of(b"ours").sha256]
    assert list((cache.folder / "tmp").iterdir()) == []


def test_many_processes_may_add_and_find_the_same_at_once(cache: Cache) -> None:
    script = """
for number in range(200):
    content = bytes([number % 50]) * 500
    path = cache.find(entry(content)) or add(content)
    assert path.read_bytes() == content, path
"""
    command = [sys.executable, "-c", KEEP + script, str(cache.folder), "10000"]
    for process in [subprocess.Popen(command) for _ in range(4)]:
        assert process.wait() == 0


def test_cache_that_somebody_deletes_is_made_again(cache: Cache) -> None:
    add(cache, b"photo")
    shutil.rmtree(cache.folder)
    assert cache.find(entry_of(b"photo")) is None
    assert add(cache, b"photo").read_bytes() == b"photo"
    cache.put(b"other")
    assert cache.read(entry_of(b"other").sha256) == b"other"


@pytest.mark.parametrize("damage", [b"phot0", b"ph", b""])
def test_damaged_file_is_not_found_and_can_be_added_again(cache: Cache, damage: bytes) -> None:
    in_a_process(cache, "add(b'photo')")
    (path,) = cached(cache)
    path.unlink()
    path.write_bytes(damage)
    assert cache.find(entry_of(b"photo")) is None
    assert add(cache, b"photo").read_bytes() == b"photo"


def test_cache_that_cannot_be_written_is_an_error_that_says_how_to_use_another(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = Cache(tmp_path / "cache", 1000)
    assert cache.find(entry_of(b"photo")) is None
    with pytest.raises(StoreError, match=r"cache.* cannot be written: .* name another folder with FOLDLINE_CACHE"):
        add(cache, b"photo")


def test_file_of_a_cache_that_can_only_be_read_is_found(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_process(cache, "add(b'photo')")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    found = cache.find(entry_of(b"photo"))
    assert found
    assert found.read_bytes() == b"photo"


@pytest.mark.parametrize("size", ["lots", "0", "-3", "inf", "nan"])
def test_size_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    monkeypatch.setenv("FOLDLINE_CACHE_GB", size)
    with pytest.raises(ConfigError, match=f"FOLDLINE_CACHE_GB='{size}' is no size"):
        open_cache()


def test_environment_says_where_the_cache_is_and_how_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOLDLINE_HOME", str(tmp_path))
    assert (open_cache().folder, open_cache().limit) == (tmp_path / "cache", 20_000_000_000)
    monkeypatch.setenv("FOLDLINE_CACHE", str(tmp_path / "fast-disk"))
    monkeypatch.setenv("FOLDLINE_CACHE_GB", "0.5")
    assert (open_cache().folder, open_cache().limit) == (tmp_path / "fast-disk", 500_000_000)
