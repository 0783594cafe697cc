"""Checking a store, every byte of it.

A store may be in use meanwhile, and a network may err: what seems wrong is looked at once more, and only what is wrong
both times is a problem. What has been deleted between the two looks is none.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TypeVar

from tasks.progress import track
from tasks.store.backend import Backend, StoredObject
from tasks.store.checks import Move, Problem, StoreChecks
from tasks.store.listing import CODE, MEMORY, RUN, list_moves, list_of_code
from tasks.store.parallel import in_parallel
from tasks.store.runs import LATEST

Item = TypeVar("Item")


@dataclass(frozen=True)
class Health:
    """How a store is.

    Attributes:
        artifacts: how many artifacts have a manifest that can be read.
        files: how many files these and the checkpoints name.
        size: bytes of the files.
        problems: all that is wrong, sorted.
        leftovers: files that no manifest names, checkpoints of artifacts that are made, and records of code that made
            none of the artifacts.
    """

    artifacts: int
    files: int
    size: int
    problems: tuple[Problem, ...]
    leftovers: tuple[StoredObject, ...]


def check_store(backend: Backend) -> Health:
    """Read everything that the store holds, and compare it with its digests and with what refers to it.

    Raises:
        StoreError: the store cannot be read at all.
    """
    checks = StoreChecks(backend)
    problems = list(_find(checks.check_manifest, checks.written, "Manifests"))
    problems += _find(checks.check_checkpoint, checks.checkpoints, "Checkpoints")
    files = list(checks.files())
    runs = [found.key for found in backend.list("runs/") if RUN.fullmatch(found.key)]
    of_code = list(list_of_code(backend))
    code = {digest: found for digest, found in of_code if CODE.fullmatch(found.key)}
    memories = [found.key for _, found in of_code if MEMORY.fullmatch(found.key)]
    problems += _find(checks.check_file, files, "Files")
    problems += _find(checks.check_run, runs, "Runs")
    problems += _find(checks.check_move, _moves(backend), "Refs")
    problems += _find(checks.check_code, code, "Code")
    problems += _find(checks.check_part, memories, "Memory")
    # What damaged manifests name, nobody knows.
    all_read = len(checks.manifests) == len(checks.written)
    named = {manifest.code for manifest in checks.manifests.values()} if all_read else code
    return Health(
        artifacts=len(checks.manifests),
        files=len(files),
        size=sum(file.entry.size for file in files),
        problems=tuple(sorted(problems)),
        leftovers=(*checks.orphans(), *(found for digest, found in code.items() if digest not in named)),
    )


def _find(check: Callable[[Item], Collection[Problem]], items: Collection[Item], what: str) -> Iterator[Problem]:
    """What is wrong with the items, at both of two looks."""

    def look(item: Item) -> set[Problem]:
        first = set(check(item))
        return first and first.intersection(check(item))

    for problems in track(in_parallel(look, items), what, len(items)):
        yield from problems


def _moves(backend: Backend) -> list[Move]:
    """Every move of every ref; the run of an earlier `latest` may be gone."""
    return [
        Move(move.key, needs_run=name != LATEST or move is moves[-1], needs_end=name == LATEST and move is moves[-1])
        for name, moves in list_moves(backend).items()
        for move in moves
    ]
