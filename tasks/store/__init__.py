"""Where artifacts live: the ledger over a folder (later also a bucket)."""

import os
from pathlib import Path

from tasks.store.backend import Backend
from tasks.store.folder import FolderBackend
from tasks.store.keys import Step, digest_json
from tasks.store.ledger import Artifact, Ledger
from tasks.store.manifest import ArtifactRef, Manifest

__all__ = ["Artifact", "ArtifactRef", "Backend", "Ledger", "Manifest", "Step", "digest_json", "open_ledger"]

STORE_VARIABLE = "FOLDLINE_STORE"
DEFAULT_STORE = "foldline-store"


def open_ledger() -> Ledger:
    """The ledger over the store that the environment names: FOLDLINE_STORE, or ./foldline-store."""
    return Ledger(FolderBackend(Path(os.environ.get(STORE_VARIABLE) or DEFAULT_STORE)))
