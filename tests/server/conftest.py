"""One server with two slots that most tests share, whose automations tell a webhook of what happens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.receiver import Receiver, receiving
from tests.server.stack import Stack


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, sample_data: Path, receiver: Receiver) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    (folder / "data").symlink_to(sample_data)
    stack = Stack(folder, {"FOLDLINE_NOTIFY": receiver.url})
    stack.start()
    yield stack
    stack.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.server)
            item.add_marker(pytest.mark.timeout(600))
