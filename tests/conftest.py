"""What many tests stand on: a quiet environment, a drawn data set, a ledger, a server of S3."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

# Tests run side by side, a process a core: more threads in each would only wait for each other.
os.environ["OMP_NUM_THREADS"] = "1"

from tasks.sample.draw import draw_sample
from tasks.sample.settings import SampleSettings
from tasks.store import Backend, Ledger, open_backend
from tasks.store.folder import FolderBackend
from tests.s3_server import S3Server, running_server


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a person has set on this machine decides a test."""
    for name in os.environ:
        if name.startswith(("FOLDLINE_", "PREFECT_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(FolderBackend(tmp_path / "store"))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A server of S3: moto's, or the real one that FOLDLINE_TEST_S3 names (`make test-s3`)."""
    with running_server() as server:
        yield server


@pytest.fixture
def bucket(s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A new bucket, and an environment in which `open_backend` reaches it, with a cache of its own."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FOLDLINE_HOME", str(tmp_path / "home"))
    name = s3_server.new_bucket()
    yield name
    with suppress(s3_server.client.exceptions.NoSuchBucket):  # a test may have done so itself
        s3_server.drop_bucket(name)  # the server keeps everything in memory


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.s3)])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """An empty store of either kind."""
    if request.param == "folder":
        return FolderBackend(tmp_path / "store")
    return open_backend(f"s3://{request.getfixturevalue('bucket')}/store")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let `-m s3` choose every test that a server of S3 takes part in."""
    for item in items:
        if "s3_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.s3)


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve drawn people, two of each gender and age group, and 14 photos to predict. Not to be changed."""
    folder = tmp_path_factory.mktemp("data") / "sample"
    draw_sample(folder, SampleSettings(people=12, eval=14, seed=7))
    return folder
