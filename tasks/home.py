"""Where Foldline keeps what belongs to a machine, and neither to a store nor to a project."""

import os
from pathlib import Path

HOME_VARIABLE = "FOLDLINE_HOME"


def foldline_home() -> Path:
    """FOLDLINE_HOME, or ~/.foldline."""
    return Path(os.environ.get(HOME_VARIABLE) or "~/.foldline").expanduser()
