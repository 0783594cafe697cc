import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.errors import StoreError
from tasks.store.folder import FolderBackend


@pytest.fixture
def backend(tmp_path: Path) -> FolderBackend:
    return FolderBackend(tmp_path / "store")


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own that runs `script`; lines of its output can be waited for."""
    command = [sys.executable, "-u", "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_of_many_writers_exactly_one_creates(tmp_path: Path) -> None:
    script = """
import sys, time
from pathlib import Path
from tasks.errors import AlreadyExistsError
from tasks.store.folder import FolderBackend
backend = FolderBackend(Path(sys.argv[1]))
time.sleep(max(0, float(sys.argv[2]) - time.time()))
for number in range(50):
    try:
        backend.create(f"race/{number}", sys.argv[3].encode())
        print(number)
    except AlreadyExistsError:
        pass
"""
    import time

    start = time.time() + 1
    racers = [python(script, tmp_path, start, name) for name in "abcd"]
    won = {name: racer.communicate()[0].split() for name, racer in zip("abcd", racers, strict=True)}
    assert sorted(int(number) for numbers in won.values() for number in numbers) == list(range(50))
    for name, numbers in won.items():
        assert all((tmp_path / "race" / number).read_text() == name for number in numbers)


@pytest.mark.parametrize("key", ["../outside", "a/../../outside", "/etc/passwd"])
def test_key_cannot_lead_out_of_the_store(backend: FolderBackend, key: str) -> None:
    with pytest.raises(StoreError, match="leads out of the store"):
        backend.create(key, b"")


def test_store_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match=r"cannot be written: .* nothing that was finished is lost"):
        FolderBackend(tmp_path / "store").create("a/b", b"")


def test_scratch_folder_of_a_killed_process_is_swept_and_that_of_a_living_one_is_not(backend: FolderBackend) -> None:
    script = """
import sys, time
from pathlib import Path
from tasks.store.folder import FolderBackend
with FolderBackend(Path(sys.argv[1])).scratch() as folder:
    print(folder)
    time.sleep(60)
"""
    killed, living = python(script, backend.root), python(script, backend.root)
    left, kept = (Path(process.stdout.readline().strip()) for process in (killed, living) if process.stdout)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    try:
        assert left.is_dir()
        with backend.scratch():
            assert (left.exists(), kept.exists()) == (False, True)
    finally:
        living.kill()
        living.communicate()


def test_lock_that_is_not_ours_to_touch_stops_nobody(backend: FolderBackend) -> None:
    (backend.root / "tmp/stranger.lock").mkdir(parents=True)
    backend.create("a", b"")
    assert backend.read("a") == b""


def test_upload_of_a_killed_process_leaves_nothing_where_objects_lie(backend: FolderBackend, tmp_path: Path) -> None:
    script = """
import os, shutil, signal, sys
from pathlib import Path
from tasks.store.folder import FolderBackend
from tasks.store.verify import describe_files
def half(source, target):
    Path(target).write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
shutil.copyfile = half
source = Path(sys.argv[2])
FolderBackend(Path(sys.argv[1])).upload(source, "steps/a", describe_files(source))
"""
    source = tmp_path / "from"
    source.mkdir()
    (source / "file").touch()
    killed = python(script, backend.root, source)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert list(backend.list("steps/")) == []
    with backend.scratch():
        assert [path.read_bytes() for path in backend.root.rglob("staged")] == []


def test_object_is_as_readable_as_any_other_file(backend: FolderBackend) -> None:
    backend.create("a", b"")
    usual = backend.root / "usual"
    usual.touch()
    assert (backend.root / "a").stat().st_mode == usual.stat().st_mode
