from pathlib import Path

import pytest

from tests.e2e.desk import Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> Desk:
    """A desk with twelve drawn people, for the tests of a file: what is in its store is what they have made."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "data").symlink_to(sample_data)
    return Desk(folder)
