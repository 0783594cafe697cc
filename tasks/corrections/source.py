"""Where a corrections file lies."""

from difflib import get_close_matches
from pathlib import Path

from tasks.data_folder import DataFolder, open_data
from tasks.errors import ConfigError, DataError

FOLDER = Path(__file__).parents[2] / "corrections"
"""Where those lie that ship with Foldline, in a checkout as when installed."""
ENDING = ".csv"


def shipped_corrections() -> list[str]:
    """Names of the corrections files that ship with Foldline."""
    return sorted(path.stem for path in FOLDER.glob(f"*{ENDING}"))


def open_source(source: str) -> tuple[DataFolder, str]:
    """The folder that a corrections file lies in, and its name there; whether it is there is not looked at yet.

    Args:
        source: a path or a URL of a bucket, which end in ``.csv``, or the name of one that ships with Foldline.

    Raises:
        ConfigError: none of that name ships with Foldline, or the URL is wrong.
    """
    parent, slash, name = (source if source.endswith(ENDING) else _shipped(source)).rpartition("/")
    return open_data(parent or slash or "."), name


def read_source(source: str) -> bytes:
    """Content of a corrections file. Raises ConfigError, as `open_source` and if it cannot be read."""
    folder, name = open_source(source)
    try:
        return folder.read(name)
    except DataError as error:
        raise ConfigError(f"The corrections {source} cannot be read: {error}. Mend the path.") from error


def _shipped(name: str) -> str:
    names = shipped_corrections()
    if name in names:
        return (FOLDER / f"{name}{ENDING}").as_posix()
    close = get_close_matches(name, names, 1)
    hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(names)}; or give the path of a CSV file."
    raise ConfigError(f"There are no corrections {name!r}. {hint}")
