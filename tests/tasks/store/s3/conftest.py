"""A bucket behind a proxy that misbehaves."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tasks.store.cache import Cache
from tasks.store.manifest import FileEntry
from tasks.store.s3 import ask, download, settings
from tasks.store.s3.backend import S3Backend
from tasks.store.s3.settings import S3Settings, connect
from tasks.store.verify import describe_files
from tests.faulty_proxy import FaultyProxy
from tests.s3_server import REGION, S3Server

Open = Callable[[str], S3Backend]


class Files(NamedTuple):
    """A folder, and what its files are."""

    folder: Path
    entries: dict[str, FileEntry]


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    """A proxy before the server, without faults until it is given some."""
    with FaultyProxy(s3_server.url, seed=7) as proxy:
        yield proxy


@pytest.fixture
def open_at(bucket: str, tmp_path: Path) -> Open:
    """Opens the bucket's store at a URL, as a process with an empty cache would."""

    def open_(url: str) -> S3Backend:
        cache = Cache(tmp_path / f"cache-{len(list(tmp_path.iterdir()))}", 10**9)
        cache.folder.mkdir()
        return S3Backend(connect(S3Settings(endpoint=url, region=REGION, timeout=1)), bucket, "store", cache)

    return open_


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up soon what can only fail."""
    monkeypatch.setattr(settings, "ATTEMPTS", 2)
    for module in (ask, download):
        monkeypatch.setattr(module, "PAUSES", (0.01,) * 3)


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Twenty small files, and one of five parts."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(20):
        (folder / f"small-{number}").write_bytes(os.urandom(20_000))
    (folder / "large").write_bytes(os.urandom(36 << 20))
    return Files(folder, describe_files(folder))
