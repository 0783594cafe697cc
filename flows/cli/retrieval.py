"""Commands that hand out what a run has made."""

import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Annotated

from cyclopts import Parameter
from rich.filesize import decimal
from rich.table import Table

from flows.cli.copying import copy_files
from flows.cli.files import FILE_HELP, RunFile, Selection, open_run
from flows.cli.options import RUN_HELP, GetOptions, StoreOptions
from flows.cli.terminal import console
from tasks.errors import ConfigError, CorruptFileError, fault, raise_faults
from tasks.store import Artifact

MOST_HOURS = 168
"""How long S3 lets a link be valid: a week."""


def ls(
    run: Annotated[str, Parameter(help=RUN_HELP)] = "latest",
    artifact: Annotated[
        str | None, Parameter(help="only this artifact, such as `fold-0`, or a folder in it: `validate/data_docs`")
    ] = None,
    /,
    *,
    options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions(),
) -> None:
    """List the files of a run: size, start of the SHA-256, and the name by which `get`, `cat` and `link` know each."""
    options.choose()
    opened = open_run(run)
    files = opened.select(artifact).files if artifact else opened.files
    table = Table("size", "sha256", "file", box=None, pad_edge=False)
    table.columns[0].justify = "right"
    table.columns[2].overflow = "fold"
    for path, file in files.items():
        table.add_row(decimal(file.entry.size), file.entry.sha256[:12], path)
    for label, why in opened.lost.items():
        table.add_row("", "lost", f"{label}: {why}")
    console().print(table, f"{len(files)} files, {decimal(sum(file.entry.size for file in files.values()))}", sep="\n")


def get(
    run: Annotated[str, Parameter(help=RUN_HELP)],
    files: Annotated[
        tuple[str, ...],
        Parameter(help=f"{FILE_HELP}; a whole artifact, such as `fold-0`; or a folder in it: `validate/data_docs`"),
    ],
    /,
    *,
    options: Annotated[GetOptions, Parameter(name="*")] = GetOptions(),
) -> None:
    """Copy files out of a run, after checking their digests; what is there already is replaced, whole or not at all."""
    options.choose()
    opened = open_run(run)
    selections = [opened.select(wanted) for wanted in files]
    places = _places([selection.place for selection in selections], options.output)
    targets = _targets(selections, places)
    paths = _fetch(targets.values())
    copy_files({target: paths[file] for target, file in targets.items()})
    print(*places, sep="\n")


def cat(
    run: Annotated[str, Parameter(help=RUN_HELP)],
    file: Annotated[str, Parameter(help=FILE_HELP)],
    /,
    *,
    options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions(),
) -> None:
    """Write a file of a run to the standard output, after checking its digest."""
    options.choose()
    artifact, name = open_run(run).find(file)
    with artifact.path(name).open("rb") as content:
        shutil.copyfileobj(content, sys.stdout.buffer)


def link(
    run: Annotated[str, Parameter(help=RUN_HELP)],
    file: Annotated[str, Parameter(help=FILE_HELP)],
    /,
    *,
    hours: Annotated[float, Parameter(help=f"how long a link into a bucket is valid, at most {MOST_HOURS}")] = 24,
    options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions(),
) -> None:
    """Print a URL that shows a file of a run to whoever has it, without credentials.

    A link into a bucket ends after some hours; made with temporary credentials, at the latest when they end. Where the
    store is a folder it is the URL of the file itself.
    """
    options.choose()
    if not 1 / 60 <= hours <= MOST_HOURS:
        raise ConfigError(
            f"A link can be valid for a minute to {MOST_HOURS} hours, which is S3's limit, not for {hours:g} hours."
        )
    artifact, name = open_run(run).find(file)
    url = artifact.link(name, timedelta(hours=hours))
    valid = "as long as the file is there" if url.startswith("file:") else f"{hours:g} hours"
    print(f"Valid for {valid}.", file=sys.stderr)
    print(url)


def _places(wanted: Sequence[str], output: Path) -> list[Path]:
    """Where to copy what lies at each place of the run, as `cp -r` would.

    Raises:
        ConfigError: the folder to copy into is not there.
    """
    if output.is_dir():
        return [output / PurePosixPath(place).name for place in wanted]
    folder = output.parent if len(wanted) == 1 else output
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder to copy {', '.join(wanted)} to. Make it first.")
    return [output]


def _targets(selections: Sequence[Selection], places: Sequence[Path]) -> dict[Path, RunFile]:
    """Every file that was asked for, by where to copy it.

    Raises:
        ConfigError: two would be copied to the same place.
        CorruptFileError: one would be copied out of the folder that was asked for.
    """
    targets: dict[Path, RunFile] = {}
    clashes = []
    for selection, place in zip(selections, places, strict=True):
        for path, file in selection.files.items():
            target = place / _below(selection.place, path)
            if targets.setdefault(target, file) != file:
                clashes.append(f"{path} to {target}")
    remedy = "Get them one by one, each with an --output of its own, or get whole artifacts."
    raise_faults(
        fault("files would replace others of the same name", clashes, remedy), "Nothing was copied", ConfigError
    )
    return targets


def _below(place: str, path: str) -> PurePosixPath:
    below = PurePosixPath(path).relative_to(place)
    if ".." in below.parts:
        raise CorruptFileError(f"{path} leads out of its artifact: its manifest is not what Foldline writes.")
    return below


def _fetch(files: Iterable[RunFile]) -> dict[RunFile, Path]:
    """Local files with the verified bytes of all `files`. Raises as `Artifact.path` does."""
    names: defaultdict[Artifact, list[str]] = defaultdict(list)
    for artifact, name in files:
        names[artifact].append(name)
    return {
        RunFile(artifact, name): path
        for artifact, wanted in names.items()
        for name, path in artifact.paths(wanted).items()
    }
