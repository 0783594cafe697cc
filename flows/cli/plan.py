"""The command that says what a retrain would cost."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.table import Table

from flows.cli.display import progress_display
from flows.cli.options import StoreOptions
from flows.cli.terminal import console, duration
from flows.params import DataParams
from tasks.store import open_ledger

if TYPE_CHECKING:
    from flows.plan import PlannedStep


def plan(
    *,
    params: Annotated[DataParams, Parameter(name="*")],
    options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions(),
) -> None:
    """Say what a retrain would reuse and what it would make, why, and in what time; nothing is made."""
    from flows.plan import plan_retrain

    options.choose()
    with progress_display():
        steps = plan_retrain(params, open_ledger().backend)
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, step in steps.items():
        table.add_row(name, *_columns(step))
    console().print(table, summary(steps.values()), sep="\n")


def summary(steps: Collection["PlannedStep"]) -> str:
    """How many steps are reused, and what the others take together, in words."""
    to_run = [step for step in steps if not step.artifact.reused]
    count = f"{len(steps)} steps: {len(steps) - len(to_run)} reused, {len(to_run)} to run"
    known = [step.seconds for step in to_run if step.seconds is not None]
    unknown = len(to_run) - len(known)
    times = [f"about {duration(sum(known))}, as the nearest earlier ones took"] if known else []
    times += [f"{unknown} of them never made before"] if unknown else []
    return ", ".join([count, *times])


def _columns(step: "PlannedStep") -> tuple[str, str, str]:
    if step.artifact.reused:
        return "reuse", "", ""
    return "run", "?" if step.seconds is None else duration(step.seconds), _why(step)


def _why(step: "PlannedStep") -> str:
    from flows.cli.reasons import in_words, some

    if step.nearest is None:
        return "never made before"
    anew = [f"input {some(step.anew)} made anew"] if step.anew else []
    return "; ".join([*map(in_words, step.causes), *anew])
