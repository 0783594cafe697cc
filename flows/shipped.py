"""The experiments that ship with Foldline."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "experiments"
"""Where they lie, in a checkout as when installed."""


def shipped_experiments() -> list[str]:
    """Their names."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))
