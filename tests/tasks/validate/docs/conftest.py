import pytest

from tasks.catalog.step import make_catalog
from tasks.data_folder.local import LocalFolder
from tasks.sample.draw import draw_sample
from tasks.sample.settings import SampleSettings
from tasks.store import Artifact, Ledger
from tasks.store.folder import FolderBackend
from tasks.validate.run import Outcomes, run_suites
from tasks.validate.settings import SuiteSettings
from tasks.validate.suites import build_suites
from tasks.validate.tables import Validated, read_data

EVIL = '<img src="https://example.org/x.png">'
"""What must never be taken for markup."""


@pytest.fixture(scope="session")
def flawed(tmp_path_factory: pytest.TempPathFactory) -> LocalFolder:
    """Twelve drawn people, one of them with photos that cannot be decoded, another with the same photo twice."""
    folder = tmp_path_factory.mktemp("flawed") / "data"
    draw_sample(folder, SampleSettings(people=12, eval=4, seed=3, flaws=True), ("unreadable", "duplicate"))
    return LocalFolder(folder)


@pytest.fixture(scope="session")
def settings() -> SuiteSettings:
    return SuiteSettings().about("data")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return Ledger(FolderBackend(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="session")
def flawed_catalog(store: Ledger, flawed: LocalFolder) -> Artifact:
    return make_catalog(store, flawed)


@pytest.fixture(scope="session")
def validated(flawed_catalog: Artifact) -> Validated:
    """The flawed data, with a gender that looks like markup."""
    read = read_data(flawed_catalog)
    read.rows["labels"].loc[0, "gender"] = EVIL
    return read


@pytest.fixture(scope="session")
def outcomes(validated: Validated, settings: SuiteSettings) -> Outcomes:
    return run_suites(validated.rows, build_suites(settings, validated))
