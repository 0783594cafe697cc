"""Where artifacts live: the ledger over a folder or a bucket."""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.store.backend import Backend
from tasks.store.folder import FolderBackend
from tasks.store.keys import Step, digest_json
from tasks.store.ledger import Artifact, Ledger
from tasks.store.manifest import ArtifactRef, Manifest

if TYPE_CHECKING:
    from tasks.store.cache import Cache
    from tasks.store.s3.settings import S3Settings

__all__ = [
    "Artifact",
    "ArtifactRef",
    "Backend",
    "Ledger",
    "Manifest",
    "Step",
    "digest_json",
    "open_backend",
    "open_ledger",
]

STORE_VARIABLE = "FOLDLINE_STORE"
DEFAULT_STORE = "foldline-store"
BUCKET = "s3://"
"""How the URL of a bucket starts."""


def open_ledger() -> Ledger:
    """The ledger over the store that the environment names: FOLDLINE_STORE, or ./foldline-store."""
    return Ledger(open_backend(os.environ.get(STORE_VARIABLE) or DEFAULT_STORE))


def open_backend(store: str) -> Backend:
    """The backend of a folder, or of ``s3://bucket/prefix``.

    Raises:
        ConfigError: the URL, or what the environment says about S3 or the cache, is wrong.
    """
    if not store.startswith(BUCKET):
        return FolderBackend(Path(store))
    from tasks.store.cache import open_cache
    from tasks.store.s3.settings import S3Settings, split_url

    return _bucket(*split_url(store), S3Settings.from_environment(), open_cache())


@cache
def _bucket(bucket: str, prefix: str, settings: "S3Settings", files: "Cache") -> Backend:
    """One for each bucket: its connections, and the answer to its probe, last as long as the process."""
    from tasks.store.s3.backend import S3Backend
    from tasks.store.s3.settings import connect

    return S3Backend(connect(settings), bucket, prefix, files)
