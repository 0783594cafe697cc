"""Commands that look after the store: what may go, and whether all is well."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.filesize import decimal
from rich.table import Table

from flows.cli.display import progress_display
from flows.cli.options import RUN_HELP, StoreOptions
from flows.cli.terminal import console
from tasks.errors import CorruptFileError
from tasks.store import Backend, open_ledger
from tasks.store.backend import StoredObject
from tasks.store.checkpoints import checkpoint_key
from tasks.store.claims import claimed
from tasks.store.fsck import check_store
from tasks.store.housekeeping import ABANDONED_AFTER, UNFINISHED_FOR, GcPlan, carry_out, plan_gc
from tasks.store.inventory import Inventory, take_inventory
from tasks.store.listing import Objects, see_that_it_is_a_store
from tasks.store.runs import find_run


def gc(
    *,
    keep_last: Annotated[int, Parameter(validator=Number(gte=0), help="how many of the newest runs stay")] = 10,
    keep: Annotated[tuple[str, ...], Parameter(help=f"{RUN_HELP}, that stays too; may be given more than once")] = (),
    delete: Annotated[bool, Parameter(help="delete; without it nothing is, and you see what would be")] = False,
    options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions(),
) -> None:
    """Delete the runs and artifacts that nobody needs any more; runs under way go on meanwhile.

    What stays: the newest runs, the latest submission's, those that a tag points to or ever did, those under way, and
    everything that their artifacts were made from.
    """
    options.choose()
    backend = open_ledger().backend
    see_that_it_is_a_store(backend)
    if not delete:
        if _plan(backend, keep_last, keep).stages:
            print("Nothing was deleted; the same command with --delete does it.")
        return
    with claimed(backend) as see_that_claim_lasts:
        plan = _plan(backend, keep_last, keep)
        if plan.stages:
            with progress_display():
                carry_out(backend, plan, see_that_claim_lasts)
            print(f"Deleted {sum(map(len, plan.stages))} objects, {decimal(plan.size)}.")
        if uploads := backend.drop_unfinished(datetime.now(UTC) - UNFINISHED_FOR):
            print(f"Deleted {uploads} uploads that never ended.")


def fsck(*, options: Annotated[StoreOptions, Parameter(name="*")] = StoreOptions()) -> None:
    """Read every byte of the store, and compare it with its digest; exits 1 if anything is damaged or lost."""
    options.choose()
    backend = open_ledger().backend
    see_that_it_is_a_store(backend)
    with progress_display():
        health = check_store(backend)
    for problem in health.problems:
        print(problem)
    if health.leftovers:
        print(f"{_amount(health.leftovers)} belong to nothing. `foldline gc` deletes them when no run is under way.")
    read = f"{health.artifacts} artifacts, {health.files} files, {decimal(health.size)} read"
    if health.problems:
        raise CorruptFileError(f"{len(health.problems)} problems in {backend.url}; {read}.")
    print(f"{read}; all is well.")


def _plan(backend: Backend, keep_last: int, keep: tuple[str, ...]) -> GcPlan:
    """Decide what goes, and print it."""
    asked = {find_run(backend, wanted).run for wanted in keep}
    inventory = take_inventory(backend)
    plan = plan_gc(inventory, keep_last, asked, datetime.now(UTC))
    for name in plan.dropped_runs:
        print(f"Goes: {name}")
    console().print(_table(plan))
    for fact in _facts(inventory, plan):
        print(fact)
    return plan


def _table(plan: GcPlan) -> Table:
    """How many artifacts of each step stay and go, and their size."""
    table = Table("artifacts", "stay", "size", "go", "size", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for step in sorted({found.ref.step for found in (*plan.kept, *plan.dropped)}):
        stay, go = ([found for found in part if found.ref.step == step] for part in (plan.kept, plan.dropped))
        table.add_row(step, str(len(stay)), decimal(_size(stay)), str(len(go)), decimal(_size(go)))
    return table


def _facts(inventory: Inventory, plan: GcPlan) -> Iterator[str]:
    """What stays and why, what goes, and what a person should know of."""
    reasons = Counter(plan.kept_runs.values()).most_common()
    yield f"{len(plan.kept_runs)} runs stay: {', '.join(f'{count} {why}' for why, count in reasons) or 'none'}."
    if inventory.unreadable:
        yield (
            f"{len(inventory.unreadable)} artifacts stay as their manifests are damaged, such as "
            f"{inventory.unreadable[0].ref}. `foldline fsck` tells what to do."
        )
    if plan.killed:
        yield (
            f"{len(plan.killed)} runs have not ended within {ABANDONED_AFTER.days} days and count as killed, such as "
            f"{plan.killed[0]}."
        )
    if plan.spared:
        running = next(name for name, why in plan.kept_runs.items() if why == "under way")
        yield (
            f"{_amount(plan.spared)} belong to nothing, and stay while runs are under way, such as {running}. If that "
            "was killed, delete its folder."
        )
    if kept := plan.kept_checkpoints:
        example = checkpoint_key(kept[0].ref, kept[0].number)
        yield (
            f"{len(kept)} checkpoints stay, {decimal(_size(kept))}, such as {example}: a run may go on from them, for "
            f"{ABANDONED_AFTER.days} days, or as long as runs are under way."
        )
    going = (
        f"{len(plan.dropped_runs)} runs",
        f"{len(plan.dropped)} artifacts",
        f"{len(plan.dropped_checkpoints)} checkpoints",
        f"{len(plan.leftovers)} leftovers",
    )
    yield f"{', '.join(going)} go, {decimal(plan.size)}." if plan.stages else "There is nothing to delete."


def _amount(objects: Sequence[StoredObject]) -> str:
    return f"{len(objects)} objects, {decimal(_size(objects))}, such as {objects[0].key},"


def _size(objects: Iterable[Objects | StoredObject]) -> int:
    return sum(found.size for found in objects)
