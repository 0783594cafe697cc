"""The step: from a corrections file to a table that the catalog applies."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from tasks.corrections.csv_file import ATTRIBUTES, read_corrections
from tasks.corrections.source import read_source
from tasks.store import Artifact, Ledger, Step
from tasks.tables import CORRECTIONS

STEP = Step(name="corrections", package="tasks.corrections", libraries=("pandas",))
FILE = "corrections.csv"


def make_corrections(ledger: Ledger, source: str) -> Artifact:
    """The corrections of a file: corrections.parquet, and corrections.csv as it was given.

    Its key is a digest of the file's bytes: the same file elsewhere makes the same.

    Args:
        ledger: where they go.
        source: a path or a URL of a bucket, which end in ``.csv``, or the name of a file that ships with Foldline.

    Raises:
        ConfigError: there is no such file.
        DataError: something is wrong with it; the message lists everything that is.
    """
    content = read_source(source)
    table = read_corrections(content, source)

    def compute(folder: Path) -> Mapping[str, JsonValue]:
        CORRECTIONS.write(table, folder / "corrections.parquet")
        (folder / FILE).write_bytes(content)
        by_attribute = {attribute: int((table["attribute"] == attribute).sum()) for attribute in ATTRIBUTES}
        return {"corrections": len(table), **by_attribute}

    return ledger.produce(STEP, {FILE: hashlib.sha256(content).hexdigest()}, None, compute)
