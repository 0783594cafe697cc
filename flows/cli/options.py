"""Options that commands share or own, described once for their help."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from pydantic import BaseModel, ConfigDict, Field

from tasks.errors import ConfigError
from tasks.store import DEFAULT_STORE, STORE_VARIABLE

RUN_HELP = "a run's name, the start or the end of it, or `latest`"


class StoreOptions(BaseModel):
    """Where results are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    store: Path = Field(default_factory=lambda: Path(os.environ.get(STORE_VARIABLE) or DEFAULT_STORE))
    """Folder that keeps results; by default $FOLDLINE_STORE, else ./foldline-store."""

    def choose(self) -> None:
        """Let everything in this process, and the processes it starts, use this store.

        Raises:
            ConfigError: it is a file.
        """
        if self.store.exists() and not self.store.is_dir():
            raise ConfigError(f"The store {self.store} is a file. Name a folder; it is made if it does not exist.")
        os.environ[STORE_VARIABLE] = str(self.store)


class GetOptions(StoreOptions):
    """Where a file goes."""

    output: Annotated[Path, Parameter(name=("--output", "-o"))] = Path()
    """Folder, or new file name, to copy to."""
