"""One server with workers, and one browser that looks at its pages, for all tests of this folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Browser

from tests.server.stack import Stack
from tests.ui.desktop import Desktop, desktop_on, open_browser
from tests.ui.form import StartedRun, start_retrain


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pictures", type=Path, help="folder to write the pictures of docs/server.md to: `make screenshots`"
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not shutil.which("chromium"):
        pytest.skip("there is no chromium here: `apt-get install chromium`")
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def stack(sample_data: Path) -> Iterator[Stack]:
    with TemporaryDirectory(prefix="foldline-") as folder:  # its name is seen in a picture
        (Path(folder) / "photos").symlink_to(sample_data)
        stack = Stack(Path(folder))
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()


@pytest.fixture(scope="session")
def desktop(
    browser: Browser, stack: Stack, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Desktop:
    pictures = request.config.getoption("pictures", default=None) or tmp_path_factory.mktemp("pictures")
    return desktop_on(browser, f"http://127.0.0.1:{stack.port}", pictures)


@pytest.fixture(scope="session")
def started(stack: Stack, desktop: Desktop) -> StartedRun:
    """A retrain that the form has started, when it has ended."""
    run = start_retrain(desktop)
    assert stack.wait(run.id).state_name == "Completed"
    return run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.ui)
            item.add_marker(pytest.mark.timeout(600))
