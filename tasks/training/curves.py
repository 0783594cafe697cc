"""Curves of the training for TensorBoard, if somebody wants them."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.errors import ConfigError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER_VARIABLE = "FOLDLINE_TENSORBOARD"
"""Environment variable that names the folder for the curves; nothing is written if it is unset."""


Draw = Callable[[Mapping[str, float]], None]
"""Call it once an epoch with its row of `tasks.tables.HISTORY`."""


@contextmanager
def curves(name: str) -> Iterator[Draw]:
    """Yields what draws an epoch in the folder's run `name`.

    An epoch takes the place of what an earlier training of that name, which was interrupted, wrote from there on.

    Raises:
        ConfigError: curves are wanted, but TensorBoard is not installed, or the folder cannot be written.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        yield _ignore
        return
    make_writer, place = _load_tensorboard(), Path(folder).expanduser() / name
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{FOLDER_VARIABLE} names {folder!r}, where no curves can be written: {error}. Name a folder that can be "
            "written, or unset the variable."
        ) from error
    with ExitStack() as stack:
        writer: SummaryWriter | None = None

        def draw(row: Mapping[str, float]) -> None:
            nonlocal writer
            epoch = int(row["epoch"])
            if writer is None:
                writer = stack.enter_context(make_writer(place, purge_step=epoch))
            for figure in row.keys() - {"epoch"}:
                writer.add_scalar(figure, row[figure], epoch)
            writer.flush()

        yield draw


def _ignore(row: Mapping[str, float]) -> None:
    del row


def _load_tensorboard() -> "type[SummaryWriter]":
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ConfigError(
            f"{FOLDER_VARIABLE} is set, but TensorBoard is not installed. "
            "Run `pip install 'foldline[tensorboard]'`, or unset the variable."
        ) from error
    return SummaryWriter
