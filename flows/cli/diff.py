"""The command that says what two runs have in common, and what not."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from pydantic import JsonValue
from rich.table import Table

from flows.cli.history import artifacts_of
from flows.cli.options import RUN_HELP, StoreOptions
from flows.cli.terminal import console, duration
from tasks.errors import CorruptFileError
from tasks.store import Artifact, Ledger, open_ledger
from tasks.store.code_record import read_code
from tasks.store.explain import CodeChange, InputChange, LibraryChange, differences, is_made, setting_changes
from tasks.store.runs import RunManifest, find_ended

if TYPE_CHECKING:
    from flows.data_change import Cause, DataChange

FACTS: dict[str, Callable[[RunManifest], str]] = {
    "data": lambda run: run.data,
    "state": lambda run: run.state,
    "took": lambda run: duration(run.seconds),
    "reused": lambda run: f"{len(run.reused)} of {len(run.artifacts)}",
}
"""What is told of each run."""
LABEL = 12
"""Width of what stands before a fact."""
WHOLE = ("same", "same files", "differs")
"""States of artifacts that both runs have."""
ABOUT = "about"
"""What an experiment says of itself: it decides nothing."""


@dataclass(frozen=True)
class Pair:
    """What two runs have under the same name, and how it differs."""

    state: str
    causes: tuple["Cause", ...] = ()
    took: tuple[float, ...] = ()
    """Seconds, of both."""
    lost: str = ""
    """Why one, or what would tell how they differ, cannot be had."""


def diff(
    old: Annotated[str, Parameter(help=RUN_HELP)],
    new: Annotated[str, Parameter(help=RUN_HELP)],
    /,
    *,
    options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions(),
) -> None:
    """Show two runs side by side: scores, data, settings, libraries, code, and which artifacts differ, and why."""
    options.choose()
    ledger = open_ledger()
    before, after = (find_ended(ledger.backend, wanted) for wanted in (old, new))
    pairs = compare(ledger, before, after)
    console().print(_run_table(before, after))
    causes = [cause for pair in pairs.values() for cause in pair.causes]
    whole = all(pair.state in WHOLE for pair in pairs.values())
    nothing = "same" if whole else "same, as far as what both have can tell"
    for label, lines in _sections(before, after, causes).items():
        for number, line in enumerate(lines or [nothing]):
            console().print(f"{'' if number else label:<{LABEL}}{line}")
    console().print("", _artifact_table(pairs), sep="\n")


def compare(ledger: Ledger, old: RunManifest, new: RunManifest) -> dict[str, Pair]:
    """The artifacts of two runs by their names, last those that only the new one has."""
    before, after = artifacts_of(ledger, old), artifacts_of(ledger, new)
    comparison = _Comparison(ledger)
    return {
        name: Pair("same")
        if old.artifacts.get(name) == new.artifacts.get(name)
        else comparison.pair(before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
    }


class _Comparison:
    """Compares artifacts of one store."""

    def __init__(self, ledger: Ledger) -> None:
        # The folds of a run have the same code.
        self._code_of = cache(partial(read_code, ledger.backend))

    def pair(self, old: Artifact | str | None, new: Artifact | str | None) -> Pair:
        """Two artifacts of which each may be lost, or not be there."""
        if old is None or new is None:
            return Pair("new" if old is None else "gone")
        if isinstance(old, str) or isinstance(new, str):
            return Pair("lost", lost="; ".join(why for why in (old, new) if isinstance(why, str)))
        state = "same files" if old.manifest.files == new.manifest.files else "differs"
        try:
            return Pair(state, tuple(self._causes(old, new)), (old.manifest.seconds, new.manifest.seconds))
        except CorruptFileError as error:
            return Pair("lost", lost=str(error))

    def _causes(self, old: Artifact, new: Artifact) -> Iterator["Cause"]:
        from flows.data_change import is_data

        for change in differences(old.manifest, new.manifest, self._code_of):
            yield _data_change(old, new) if is_data(change, old.manifest) else change


def _data_change(old: Artifact, new: Artifact) -> "DataChange":
    """How the photos of two catalogs differ. Raises CorruptFileError if a table is lost or damaged."""
    from flows.data_change import data_change, photos_of_catalog

    return data_change(photos_of_catalog(old), photos_of_catalog(new))


def _run_table(old: RunManifest, new: RunManifest) -> Table:
    table = Table("", old.run, new.run, "", box=None, pad_edge=False)
    table.columns[0].min_width = LABEL - 2  # and two spaces
    for label, fact in FACTS.items():
        table.add_row(label, fact(old), fact(new))
    for name in dict.fromkeys([*old.scores, *new.scores]):
        before, after = old.scores.get(name), new.scores.get(name)
        moved = f"{after - before:+.4f}" if before is not None and after is not None else ""
        table.add_row(name.replace("_", " "), _score(before), _score(after), moved)
    return table


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _sections(old: RunManifest, new: RunManifest, causes: Iterable["Cause"]) -> dict[str, list[str]]:
    """What a run depends on, and in what two runs differ in it, in words."""
    from flows.cli.reasons import in_words, photos_in_words
    from flows.data_change import DataChange

    found = list(dict.fromkeys(causes))
    settings = setting_changes(_deciding(old), _deciding(new))
    return {
        "photos": [photos_in_words(cause) for cause in found if isinstance(cause, DataChange)],
        "settings": list(map(in_words, settings)),
        "libraries": [in_words(cause) for cause in found if isinstance(cause, LibraryChange)],
        "code": list(dict.fromkeys(line for cause in found if isinstance(cause, CodeChange) for line in _parts(cause))),
    }


def _deciding(run: RunManifest) -> dict[str, JsonValue]:
    return {name: value for name, value in run.settings.items() if name != ABOUT}


def _parts(change: CodeChange) -> list[str]:
    """Every definition that is not as it was, a line each."""
    from flows.cli.reasons import part_name

    parts = {"changed": change.changed, "new": change.new, "gone": change.gone}
    return [f"{what} {part_name(name)}" for what, names in parts.items() for name in names] or [
        "differs; how was not recorded"
    ]


def _artifact_table(pairs: Mapping[str, Pair]) -> Table:
    table = Table("artifact", "", "took", "why", box=None, pad_edge=False)
    for name, pair in pairs.items():
        table.add_row(name, pair.state, " -> ".join(map(duration, pair.took)), pair.lost or _why(pair.causes))
    return table


def _why(causes: Iterable["Cause"]) -> str:
    """Causes in words; of an input that the table has anyway, just its name."""
    from flows.cli.reasons import in_words, some

    known, inputs = [], []
    for cause in causes:
        if isinstance(cause, InputChange) and is_made(cause):
            inputs.append(cause.name)
        else:
            known.append(in_words(cause))
    return "; ".join([*known, *([f"input {some(inputs)}"] if inputs else [])])
