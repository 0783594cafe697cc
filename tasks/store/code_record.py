"""What the code behind artifacts was, part by part, so that a later run can say which function has changed.

code/<code digest>.json         what `code_parts` says of that code
"""

from collections.abc import Mapping
from contextlib import suppress

from pydantic import TypeAdapter, ValidationError

from tasks.errors import AlreadyExistsError, CorruptFileError, NotInStoreError
from tasks.store.backend import Backend
from tasks.store.code import code_digest, code_parts
from tasks.store.keys import canonical_json

_PARTS = TypeAdapter(dict[str, str])
_recorded: set[tuple[str, str]] = set()
"""Stores and code digests that this process need not try again."""


def record_code(backend: Backend, package: str) -> None:
    """Keep the parts of the code of `package`, once a store."""
    digest = code_digest(package)
    if (backend.url, digest) in _recorded:
        return
    with suppress(AlreadyExistsError):
        backend.create(_key(digest), canonical_json(code_parts(package)))
    _recorded.add((backend.url, digest))


def read_code(backend: Backend, digest: str) -> Mapping[str, str] | None:
    """The parts of the code with that digest; None if they were not recorded.

    Raises:
        CorruptFileError: the record is damaged.
    """
    key = _key(digest)
    try:
        return _PARTS.validate_json(backend.read(key))
    except NotInStoreError:
        return None
    except (ValidationError, CorruptFileError) as error:
        raise CorruptFileError(
            f"{backend.url}/{key} is damaged. Delete it: nothing but the names of changed functions is lost."
        ) from error


def _key(digest: str) -> str:
    return f"code/{digest}.json"
