"""Options that commands share or own, described once for their help."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from pydantic import BaseModel, ConfigDict, Field

from tasks.errors import ConfigError
from tasks.store import BUCKET, DEFAULT_STORE, STORE_VARIABLE
from tasks.store.s3.settings import split_url

RUN_HELP = "a run's name, the start or the end of it, a tag, or `latest`"


class StoreOptions(BaseModel):
    """Where results are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    store: str = Field(default_factory=lambda: os.environ.get(STORE_VARIABLE) or DEFAULT_STORE)
    """Folder, or `s3://bucket/prefix`, that keeps results; by default $FOLDLINE_STORE, else ./foldline-store."""

    def choose(self) -> None:
        """Let everything in this process, and the processes it starts, use this store.

        Raises:
            ConfigError: it can be no store, or is a URL that holds credentials.
        """
        if self.store.startswith(BUCKET):
            split_url(self.store)
        else:
            _refuse_what_is_no_folder(self.store)
        os.environ[STORE_VARIABLE] = self.store


class GetOptions(StoreOptions):
    """Where files go."""

    output: Annotated[Path, Parameter(name=("--output", "-o"))] = Path()
    """Folder to copy into; or, for one file or folder, the new name of it."""


def _refuse_what_is_no_folder(store: str) -> None:
    scheme, separator, _ = store.partition(":/")
    if separator:
        raise ConfigError(f"{scheme}:// names no store. Write a folder, or s3://bucket/prefix.")
    path = Path(store).expanduser()
    if path.exists() and not path.is_dir():
        raise ConfigError(f"The store {store} is a file. Name a folder; it is made if it does not exist.")
