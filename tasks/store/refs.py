"""Refs: names such as `latest` that move on, each move a create-once, numbered object; two writers cannot both win."""

import re

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.errors import AlreadyExistsError, CorruptFileError, NotInStoreError
from tasks.store.backend import Backend

NAME = r"[a-z][a-z0-9-]{0,62}"
"""What a name may be, as a regular expression: never what a run's name starts with."""


class Ref(BaseModel):
    """What a name points to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    number: int
    """How often the name has moved, from 1."""
    run: str
    """The run that it points to."""


def read_ref(backend: Backend, name: str) -> Ref:
    """Where `name` points now.

    Raises:
        NotInStoreError: it never pointed anywhere.
        CorruptFileError: its newest object is no ref.
    """
    number = count_moves(backend, name)
    if not number:
        raise NotInStoreError(f"{backend.url} has no ref {name!r}")
    key = ref_key(name, number)
    try:
        return Ref.model_validate_json(backend.read(key))
    except (ValidationError, CorruptFileError) as error:
        raise CorruptFileError(f"{backend.url}/{key} is damaged. Delete it: the one before it counts then.") from error


def count_moves(backend: Backend, name: str) -> int:
    """How often `name` has moved; 0 if it never pointed anywhere."""
    pattern = re.compile(rf"refs/{re.escape(name)}/(\d{{6,}})\.json")
    matches = (pattern.fullmatch(found.key) for found in backend.list(f"refs/{name}/"))
    return max((int(match[1]) for match in matches if match), default=0)


def advance_ref(backend: Backend, name: str, run: str, after: int) -> Ref:
    """Let `name` point to `run`, if it has moved just `after` times (0: never).

    Raises:
        AlreadyExistsError: somebody else moved it first.
    """
    ref = Ref(name=name, number=after + 1, run=run)
    backend.create(ref_key(name, ref.number), ref.model_dump_json(indent=2).encode())
    return ref


def move_ref(backend: Backend, name: str, run: str) -> str:
    """Let `name` point to `run`, however often others move it meanwhile: of two at once the later wins.

    Returns the key of the move.
    """
    while True:
        try:
            return ref_key(name, advance_ref(backend, name, run, count_moves(backend, name)).number)
        except AlreadyExistsError:
            continue


def ref_names(backend: Backend) -> list[str]:
    """Every name that points somewhere, sorted."""
    matches = (re.fullmatch(rf"refs/({NAME})/\d{{6,}}\.json", found.key) for found in backend.list("refs/"))
    return sorted({match[1] for match in matches if match})


def ref_key(name: str, number: int) -> str:
    """Key of the object of a name's move of that number."""
    return f"refs/{name}/{number:06}.json"
