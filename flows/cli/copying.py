"""Copying files out of the store so that nobody sees half of one."""

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory


def copy_files(sources: Mapping[Path, Path]) -> None:
    """Copy files, given by their targets: none appears before all are there, and each replaces what was there at once.

    Raises OSError; then what was there before is as it was, on a full disk too.
    """
    special = {target for target in sources if _is_special(target)}
    for target in special:
        with sources[target].open("rb") as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)  # a device or a pipe must not be replaced
    # A link stays a link: what it leads to is replaced.
    _replace({target.resolve(): source for target, source in sources.items() if target not in special})


def _is_special(target: Path) -> bool:
    """Whether it is a device or a pipe, or stands for one: /dev/stdout may lead to a file that others write to."""
    return target.exists() and (not target.is_file() or target.is_relative_to("/dev"))


def _replace(sources: Mapping[Path, Path]) -> None:
    with ExitStack() as staging:
        staged: dict[Path, Path] = {}
        for folder in {target.parent for target in sources}:
            folder.mkdir(parents=True, exist_ok=True)
            # Beside its target, and so on the same disk, a file can be moved at once.
            staged[folder] = Path(staging.enter_context(TemporaryDirectory(dir=folder, prefix=".foldline-")))
        for target, source in sources.items():
            shutil.copyfile(source, staged[target.parent] / target.name)
        for target in sources:
            (staged[target.parent] / target.name).replace(target)
