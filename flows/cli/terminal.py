"""How what was looked up is printed."""

from rich.console import Console


def console() -> Console:
    """Prints tables and trees; as wide as their content where nobody's screen has to hold them."""
    screen = Console(highlight=False, markup=False)
    return screen if screen.is_terminal else Console(highlight=False, markup=False, width=400)


def duration(seconds: float) -> str:
    """Seconds as a person would say them."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02}s" if minutes else f"{seconds:.1f}s"
