"""The champion: the run whose submission is handed in, a ref that moves on when another run is better."""

from functools import partial

from pydantic import BaseModel, ConfigDict

from tasks.data_folder import same_place
from tasks.errors import AlreadyExistsError, NotInStoreError, StoreUnavailableError
from tasks.patience import patiently
from tasks.store import Backend
from tasks.store.claims import wait_for_claims
from tasks.store.refs import advance_ref, count_moves, ref_key
from tasks.store.runs import RunManifest, find_ended

CHAMPION = "champion"


class Crowning(BaseModel):
    """A run that has become the champion, and whose place it took."""

    model_config = ConfigDict(frozen=True)

    run: str
    macro_f1: float
    before: str | None
    before_macro_f1: float | None

    def __str__(self) -> str:
        before = f"{self.before_macro_f1:.4f}" if self.before_macro_f1 is not None else "no score"
        place = f"in the place of {self.before} ({before})" if self.before else "the first one"
        return f"{self.run} (macro F1 {self.macro_f1:.4f}) is the champion, {place}."


def present_champion(backend: Backend) -> RunManifest | None:
    """The champion; None if there has never been one, or if its run was deleted."""
    try:
        return find_ended(backend, CHAMPION) if count_moves(backend, CHAMPION) else None
    except NotInStoreError:
        return None


def crown_if_better(backend: Backend, run: str) -> Crowning | None:
    """Make `run` the champion if there is none, or if it beats it on data from the same place; else None."""
    return patiently(partial(_crown, backend, run, challenge=True), StoreUnavailableError)


def crown(backend: Backend, run: str) -> Crowning | None:
    """Make `run` the champion, whatever the scores; None if it is."""
    return patiently(partial(_crown, backend, run, challenge=False), StoreUnavailableError)


def _crown(backend: Backend, name: str, *, challenge: bool) -> Crowning | None:
    """Of two that do so at once the later sees the other's champion. Raises NotInStoreError if the run has no score."""
    run = find_ended(backend, name)
    if run.state != "completed" or "macro_f1" not in run.scores:
        raise NotInStoreError(f"The run {run.run} has no score, so it can be no champion. `foldline runs` lists all.")
    while True:
        moves, champion = count_moves(backend, CHAMPION), present_champion(backend)
        if champion and (champion.run == run.run or (challenge and not _beats(run, champion))):
            return None
        crowning = Crowning(
            run=run.run,
            macro_f1=run.scores["macro_f1"],
            before=champion.run if champion else None,
            before_macro_f1=champion.scores.get("macro_f1") if champion else None,
        )
        try:
            advance_ref(backend, CHAMPION, run.run, moves)
        except AlreadyExistsError:
            continue
        wait_for_claims(backend, ref_key(CHAMPION, moves + 1))
        return crowning


def _beats(run: RunManifest, champion: RunManifest) -> bool:
    """Scores on other data say nothing of which is better."""
    return same_place(run.data, champion.data) and run.scores["macro_f1"] > champion.scores.get("macro_f1", 0.0)
