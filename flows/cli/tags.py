"""Names that people give to runs."""

import re
from collections import defaultdict
from contextlib import suppress
from typing import Annotated

from cyclopts import Parameter

from flows.cli.options import RUN_HELP, StoreOptions
from tasks.errors import ConfigError, CorruptFileError
from tasks.store import Backend, open_ledger
from tasks.store.claims import wait_for_claims
from tasks.store.refs import NAME, move_ref, read_ref, ref_names
from tasks.store.runs import LATEST, find_run, read_run


def tag(
    run: Annotated[str, Parameter(help=RUN_HELP)],
    name: Annotated[str, Parameter(help="small letters, digits and dashes, such as `champion`")],
    /,
    *,
    options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions(),
) -> None:
    """Give a run a name of your own, by which every command finds it; a name that another run has moves on."""
    options.choose()
    backend = open_ledger().backend
    _check_name(name)
    tagged = find_run(backend, run).run
    wait_for_claims(backend, move_ref(backend, name, tagged))
    read_run(backend, tagged)  # it might have been about to be deleted
    print(f"{name} is {tagged} now.")


def tags_by_run(backend: Backend) -> defaultdict[str, list[str]]:
    """The tags that can be read, by the run that they point to."""
    tags = defaultdict(list)
    for name in ref_names(backend):
        with suppress(CorruptFileError):
            if name != LATEST:
                tags[read_ref(backend, name).run].append(name)
    return tags


def _check_name(name: str) -> None:
    if name == LATEST:
        raise ConfigError(f"{LATEST} is always the newest run that made a submission. Choose another name.")
    if not re.fullmatch(NAME, name):
        swapped = "Name the run first, then the tag. " if re.match(r"\d{8}-\d{6}-", name) else ""
        raise ConfigError(
            f"{name!r} can be no tag. {swapped}Use small letters, digits and dashes, a letter first and 63 at most, "
            "such as champion."
        )
