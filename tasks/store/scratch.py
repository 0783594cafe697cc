"""Folders for work in progress, which nobody else touches and no killed process leaves behind."""

import fcntl
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tasks.errors import StoreError

REMEDY = "Free space or mend the permissions."


@contextmanager
def scratch_folder(parent: Path, remedy: str = REMEDY) -> Iterator[Path]:
    """An empty folder below `parent`; it is gone after the block, or at the latest when another is asked for.

    Raises:
        StoreError: `parent` cannot be written.
    """
    folder = parent / uuid.uuid4().hex
    lock, unlocked = folder.with_suffix(".lock"), folder.with_suffix(".new")
    with ExitStack() as held:
        with told(parent, remedy):
            parent.mkdir(parents=True, exist_ok=True)
            _sweep(parent)
            # Nobody sweeps what has another name: it gets its own once it is locked.
            fcntl.flock(held.enter_context(unlocked.open("w")), fcntl.LOCK_EX)
            unlocked.rename(lock)
            folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)


@contextmanager
def told(target: Path, remedy: str = REMEDY) -> Iterator[None]:
    """Turn an error of the operating system about `target` into one that says what to do."""
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(
            f"{target} cannot be written: {error.strerror}. {remedy} Then run again: nothing that was finished is lost."
        ) from error


def _sweep(parent: Path) -> None:
    """Remove the folders of processes that died: those whose lock nobody holds."""
    for lock in parent.glob("*.lock"):
        try:
            with lock.open("r+") as held:  # which makes no new one where another has just swept
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink(missing_ok=True)
        except OSError:
            continue  # somebody holds it, or it is not ours to touch
