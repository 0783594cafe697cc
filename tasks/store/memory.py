"""The memory of a step: what it has found out about contents, by their digests, so that nothing is looked at twice.

    memory/<code digest>/<conditions>/<digest of the part>.parquet

The code and the conditions are all that decides what is found out, besides the contents. A part is written once, when
some of the work is done: whoever is killed goes on from the last one, and data that is mostly known costs what is new.
"""

import hashlib
import io
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import JsonValue

from tasks.errors import AlreadyExistsError, CorruptFileError, NotInStoreError
from tasks.progress import say
from tasks.store.backend import Backend
from tasks.store.code import code_digest
from tasks.store.keys import Step, digest_json
from tasks.store.listing import MEMORY
from tasks.store.parallel import in_parallel

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from tasks.tables import Table

MOST_PARTS = 32
"""Parts that are left as they are; more are made one."""


class Memory:
    """Rows of a table, each about the content whose SHA-256 is in its column `sha256`."""

    def __init__(self, backend: Backend, step: Step, table: "Table", conditions: JsonValue) -> None:
        self._backend = backend
        self._table = table
        decides = digest_json({"step": step.name, "libraries": step.versions(), "conditions": conditions})
        self._folder = f"memory/{code_digest(step.package)}/{decides[:16]}/"

    def recall(self) -> "pd.DataFrame":
        """All that is remembered, a row a content."""
        import pandas as pd
        import pyarrow as pa

        keys = [found.key for found in self._backend.list(self._folder) if MEMORY.fullmatch(found.key)]
        found = dict(zip(keys, in_parallel(self._read, keys), strict=True))
        self._forget({key: part for key, part in found.items() if isinstance(part, CorruptFileError)})
        parts = [part for part in found.values() if isinstance(part, pa.Table)]
        if not parts:
            return self._table.conform(pd.DataFrame(columns=self._table.column_names))
        # Put together first: making a frame of each part would take longer than reading it. Sorted, so that of two who
        # make one part of many both make the same.
        whole = self._table.conform(pa.concat_tables(parts, promote_options="permissive").to_pandas())
        known = whole.drop_duplicates("sha256").sort_values("sha256", ignore_index=True)
        if len(keys) > MOST_PARTS:
            merged = self.remember(known)
            self._backend.delete(key for key in keys if key != merged)
        return known

    def remember(self, rows: "pd.DataFrame") -> str:
        """Keep rows; returns the key of the part that they are."""
        content = self._table.conform(rows).to_parquet(index=False)
        key = f"{self._folder}{hashlib.sha256(content).hexdigest()}.parquet"
        with suppress(AlreadyExistsError):  # somebody has found out the same
            self._backend.create(key, content)
        return key

    def _read(self, key: str) -> "pa.Table | CorruptFileError | None":
        """A part, or what is wrong with it; None if another process has just made it part of a larger one."""
        import pyarrow as pa
        from pyarrow import parquet

        try:
            part = parquet.ParquetFile(io.BytesIO(read_part(self._backend, key))).read(use_threads=False)
        except NotInStoreError:
            return None
        except CorruptFileError as error:
            return error
        except pa.ArrowException as error:
            return CorruptFileError(f"{self._backend.url}/{key} is damaged: {error}")
        if part.column_names != self._table.column_names:
            return CorruptFileError(f"{self._backend.url}/{key} is damaged: it has other columns.")
        return part

    def _forget(self, damaged: Mapping[str, CorruptFileError]) -> None:
        for error in damaged.values():
            say(f"{error} It is forgotten.")
        self._backend.delete(damaged)


def read_part(backend: Backend, key: str) -> bytes:
    """The bytes of a part.

    Raises:
        NotInStoreError: there is none.
        CorruptFileError: they are not those that the key names.
    """
    content = backend.read(key)
    match = MEMORY.fullmatch(key)
    if not match or hashlib.sha256(content).hexdigest() != match[2]:
        raise CorruptFileError(f"{backend.url}/{key} is damaged: its bytes are not those that its name tells.")
    return content
