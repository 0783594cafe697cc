"""Refs: names such as `latest` that move on, each move a create-once, numbered object; two writers cannot both win."""

from pydantic import BaseModel, ConfigDict

from tasks.errors import NotInStoreError
from tasks.store.backend import Backend


class Ref(BaseModel):
    """What a name points to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    number: int
    """How often the name has moved, from 1."""
    run: str
    """The run that it points to."""


def read_ref(backend: Backend, name: str) -> Ref:
    """Where `name` points now. Raises NotInStoreError if it never pointed anywhere."""
    keys = list(backend.list(f"refs/{name}/"))
    if not keys:
        raise NotInStoreError(f"{backend.url} has no ref {name!r}")
    return Ref.model_validate_json(backend.read(keys[-1]))


def advance_ref(backend: Backend, name: str, run: str, after: int) -> Ref:
    """Let `name` point to `run`, if it has moved just `after` times (0: never).

    Raises:
        AlreadyExistsError: somebody else moved it first.
    """
    ref = Ref(name=name, number=after + 1, run=run)
    backend.create(f"refs/{name}/{ref.number:06}.json", ref.model_dump_json(indent=2).encode())
    return ref
