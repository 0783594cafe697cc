"""The report's figures. Series differ by shape as well as by colour."""

from collections.abc import Mapping, Sequence
from itertools import product

import matplotlib as mpl
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from tasks.classes import AGE_BOUNDS
from tasks.report.scores import kept_epochs
from tasks.report.shares import SOURCES, Share
from tasks.report.svg import BLUE, GREEN, INK, MUTED, ORANGE, STYLE, to_svg

WIDTH = 5.2
"""Inches of a figure; the page scales it to its column."""
NARROW = 3.7
"""Inches of a figure that stands with two others in a row."""
ROW = 0.19
"""Inches a row of a figure with one row a value."""
MARKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "D"))
"""Colour and shape of each of SOURCES."""
BINS = 30


@mpl.rc_context(STYLE)
def learning_curves(histories: Mapping[int, pd.DataFrame]) -> dict[int, Markup]:
    """Losses and score by epoch, a figure a fold, on the same scales; none of a fold of one epoch, a dot."""
    histories = {number: history for number, history in histories.items() if len(history) > 1}
    if not histories:
        return {}
    together = pd.concat(histories.values())
    losses = together[["train_loss", "valid_loss"]]
    limits = 0.0, 1.08 * float(losses.to_numpy().max())
    score_limit = min(1.0, 1.15 * float(together["macro_f1"].max()) + 0.01)
    return {number: _learning_curve(number, history, limits, score_limit) for number, history in histories.items()}


def _learning_curve(number: int, history: pd.DataFrame, limits: tuple[float, float], score_limit: float) -> Markup:
    figure = Figure(figsize=(NARROW, 3.0), layout="constrained")
    losses, scores = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    epochs = history["epoch"]
    losses.plot(epochs, history["train_loss"], "o-", color=BLUE)
    losses.plot(epochs, history["valid_loss"], "s--", color=ORANGE)
    scores.plot(epochs, history["macro_f1"], "D-", color=GREEN)
    kept, loss = kept_epochs(history)
    for epoch, axes in product(kept, (losses, scores)):
        axes.axvline(epoch, color=MUTED, linewidth=0.8, linestyle=":")
    losses.set(ylim=limits, title=f"Fold {number}: loss")
    scores.set(ylim=(0, score_limit), title="Macro F1", xlabel="epoch")
    scores.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    named = f"epoch {kept[0]} was" if len(kept) == 1 else f"epochs {', '.join(map(str, kept))} were"
    description = f"Fold {number}: {len(history)} epochs, {named} kept, with a held-out loss of {loss:.3f}"
    return to_svg(figure, f"fold-{number}", description)


@mpl.rc_context(STYLE)
def shares_plot(shares: Sequence[Share], name: str) -> Markup:
    """Shares of classes or values, a row each, a mark for each of SOURCES."""
    figure = Figure(figsize=(WIDTH, 0.6 + ROW * len(shares)), layout="constrained")
    axes = figure.subplots()
    rows = np.arange(len(shares))
    values = np.array([share.shares for share in shares])
    axes.hlines(rows, values.min(axis=1), values.max(axis=1), color=MUTED, linewidth=0.8)
    for column, (colour, mark) in enumerate(MARKS):
        axes.plot(values[:, column], rows, mark, color=colour)
    axes.set_yticks(rows, [share.name for share in shares])
    axes.set(ylim=(len(shares) - 0.5, -0.5), xlim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=(1, 2, 5, 10)))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(visible=False, axis="y")
    return to_svg(
        figure, name, f"Shares of {len(shares)} values among {', '.join(SOURCES)}; the table gives the numbers"
    )


@mpl.rc_context(STYLE)
def ages_plot(ages: "pd.Series[int]") -> Markup:
    """Persons by age in years."""
    figure = Figure(figsize=(WIDTH, 1.9), layout="constrained")
    axes = figure.subplots()
    counts = ages.value_counts()
    axes.bar(counts.index.to_numpy(), counts.to_numpy(), width=0.8, color=BLUE)
    for bound in AGE_BOUNDS:
        axes.axvline(bound - 0.5, color=INK, linewidth=0.8, linestyle="--")
    axes.set(xlabel="age, years; dashed: bounds of the age groups", title="Persons by age")
    axes.grid(visible=False, axis="x")
    description = f"Persons by age, from {ages.min()} to {ages.max()} years"
    return to_svg(figure, "ages", description)


@mpl.rc_context(STYLE)
def box_sizes_plot(sizes: pd.DataFrame, smallest: Mapping[str, float]) -> Markup:
    """Widths and heights of boxes, with the `smallest` ones: a box below both was called undersized."""
    figure = Figure(figsize=(WIDTH, 3), layout="constrained")
    for axes, (side, line) in zip(figure.subplots(2, 1), smallest.items(), strict=True):
        _histogram(axes, sizes[side], side, line)
    described = " and ".join(f"{side} {line:.0f} px" for side, line in smallest.items())
    return to_svg(figure, "box-sizes", f"Sizes of {len(sizes)} boxes around faces; undersized is below {described}")


def _histogram(axes: Axes, values: "pd.Series[int]", side: str, line: float) -> None:
    axes.hist(values, bins=BINS, color=BLUE)
    axes.axvline(line, color=ORANGE, linewidth=1.4, linestyle="--")
    title = f"Box {side}, pixels; dashed: mean - 1.96 sigma of all boxes = {line:.0f}"
    axes.set(title=title, ylabel="photos")
    axes.grid(visible=False, axis="x")
