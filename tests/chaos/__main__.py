"""Kills, stops and freezes what a retrain needs, at random moments, and looks whether all is well in the end.

    python -m tests.chaos --trials 20 --seed 7 --worlds 2

Prints a line a trial and a table at the end; exits 1 if anything did not hold. A seed repeats the faults and their
moments, as far as the machine is as fast.
"""

import argparse
import multiprocessing
import sys
from collections import defaultdict
from collections.abc import Sequence
from random import Random
from statistics import median

from tests.chaos.faults import FAULTS
from tests.chaos.trials import run_trials
from tests.chaos.world import Result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--worlds", type=int, default=2, help="trials at once, each in a world of its own")
    parser.add_argument("--fault", choices=[fault.name for fault in FAULTS], help="only this one")
    options = parser.parse_args()
    trials = deal(options.trials, options.seed, options.fault)
    parts = [trials[world :: options.worlds] for world in range(options.worlds)]
    with multiprocessing.get_context("spawn").Pool(options.worlds) as pool:
        results = [result for part in pool.imap(run_trials, parts) for result in part]
    print_table(results)
    sys.exit(any(result.broken for _, result in results))


def deal(trials: int, seed: int, only: str | None) -> list[tuple[int, str]]:
    """A seed and a fault for every trial: all faults in turn, shuffled."""
    random = Random(seed)
    faults = [fault.name for fault in FAULTS if only in {None, fault.name}]
    dealt = [faults[number % len(faults)] for number in range(trials)]
    random.shuffle(dealt)
    return [(random.randrange(2**32), fault) for fault in dealt]


def print_table(results: Sequence[tuple[str, Result]]) -> None:
    """A line a fault: how often, how often all was well, how long runs took."""
    by_fault = defaultdict[str, list[Result]](list)
    for name, result in results:
        by_fault[name].append(result)
    print(f"\n{'fault':<18} trials   ok  seconds (median, longest)")
    for name, found in sorted(by_fault.items()):
        seconds = [result.seconds for result in found]
        well = sum(not result.broken for result in found)
        print(f"{name:<18} {len(found):6} {well:4}  {median(seconds):.0f}, {max(seconds):.0f}")
    total = sum(not result.broken for _, result in results)
    print(f"{'all':<18} {len(results):6} {total:4}")


if __name__ == "__main__":
    main()
