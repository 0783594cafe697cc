"""The command line. Commands import Prefect and what steps need when they run, so that help answers at once."""

import errno
import os
import sys
from collections.abc import Sequence

from cyclopts import App, Parameter
from rich.console import Console

from flows.cli.data import sample
from flows.cli.diff import diff
from flows.cli.history import runs, show
from flows.cli.housekeeping import fsck, gc
from flows.cli.lineage import lineage
from flows.cli.pipeline import crop, retrain, validate
from flows.cli.plan import plan
from flows.cli.retrieval import cat, get, link, ls
from flows.cli.server import deploy, up, workers
from flows.cli.tags import tag
from tasks.errors import ConfigError, FoldlineError

USAGE_ERROR, FAILURE, INTERRUPTED = 2, 1, 130
FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the operating system says of a full disk, without naming a file."""


def _version() -> str:
    from importlib.metadata import version

    return version("foldline")


app = App(
    name="foldline",
    help="From a folder of photos and a CSV to a checked, versioned, explained submission.",
    version_flags=("--version",),
    version=_version,
    default_parameter=Parameter(negative=()),
    suppress_keyboard_interrupt=False,
)
COMMANDS = (
    *(sample, validate, crop, plan, retrain),
    *(runs, show, ls, get, cat, link, lineage, diff, tag, gc, fsck),
    *(up, deploy, workers),
)
for command in COMMANDS:
    app.command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits 0 if all went well, 1 if it failed, 2 if it was called wrongly."""
    try:
        app(arguments, exit_on_error=True, result_action="return_value")
        sys.stdout.flush()  # or a pipe that was closed early would be noticed only when Python exits
    except ConfigError as error:
        _complain(f"{type(error).__name__}: {error}")
        sys.exit(USAGE_ERROR)
    except FoldlineError as error:
        _complain(f"{type(error).__name__}: {error}")
        sys.exit(FAILURE)
    except KeyboardInterrupt:
        _complain("Interrupted. What was finished is in the store; the same command goes on from there.")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has seen enough; without this Python complains once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.filename is None and error.errno not in FULL:
            raise  # a network's or a process's: nothing a person could mend without the traceback
        _complain(f"{error.filename or 'A file'} cannot be used: {error.strerror or error}. Mend that, then run again.")
        sys.exit(FAILURE)


def _complain(message: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(message, style="red", markup=False)
