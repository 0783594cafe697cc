"""Figures as SVG elements that live inside an HTML page and take its fonts and its colours, in light and in dark."""

import io
import re
from typing import Any, Final

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

INK: Final = "#000001"
MUTED: Final = "#000002"
RULE: Final = "#000003"
BLUE: Final = "#000004"
ORANGE: Final = "#000005"
GREEN: Final = "#000006"
VARIABLES: Final = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    BLUE: "--blue",
    ORANGE: "--orange",
    GREEN: "--green",
}
"""The page's CSS variable for each colour. Figures are drawn with stand-ins, because matplotlib knows no variables."""
STYLE: Final[dict[RcKeyType, Any]] = {
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titlecolor": MUTED,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "text.color": INK,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}
"""The report's look; figures must be drawn and turned into SVG under it."""


def to_svg(figure: Figure, name: str, description: str) -> Markup:
    """`figure` as an ``<svg>`` element.

    Args:
        figure: drawn under STYLE.
        name: unique in the page: keeps the element's ids apart from those of other figures.
        description: what it shows, for those who cannot see it.
    """
    content = io.StringIO()
    # The salt replaces a random one in matplotlib's ids, and metadata would hold the time: equal figures, equal bytes.
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(content, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    drawing = content.getvalue()
    body = _adapted(drawing[drawing.index('<g id="figure_1">') :], name)
    width, height = figure.get_size_inches() * 72
    opening = Markup('<svg viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">\n').format(width, height, description)
    return opening + Markup(body)  # noqa: S704 - matplotlib escapes every text that it draws


def _adapted(drawing: str, name: str) -> str:
    """The page's colours and fonts, and ids that no other figure has."""
    for colour, variable in VARIABLES.items():
        drawing = drawing.replace(colour, f"var({variable})")
    drawing = re.sub(r" font-family: [^;]*;", "", drawing).replace("xlink:href", "href")
    return re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", drawing)
