"""Every error that Foldline raises on purpose.

    FoldlineError
    ├── ConfigError (ValueError)            an experiment, an option or an environment variable is wrong
    ├── DataError (ValueError)              the data folder, or a table made from it, is not as it must be
    │   └── OutdatedTableError                      the table was made by other code, and lacks columns
    ├── GateError (RuntimeError)            validation found a failure that must stop the flow
    ├── TrainingError (RuntimeError)        training cannot go on
    │   └── DeviceError                             the GPU computes wrongly, or not at all: another may do
    ├── WorkerError (RuntimeError)          runs that workers were to do did not end well
    └── StoreError (OSError)                the store could not do what was asked
        ├── StoreUnavailableError (ConnectionError) it cannot be reached now, and may be later
        ├── AlreadyExistsError (FileExistsError)    create-once lost: somebody else was first
        ├── NotInStoreError (FileNotFoundError)     no such artifact, run, ref or file
        └── CorruptFileError                        what the store keeps is damaged, or half of it is gone

A message says how many, shows one example, and says what to do. Checks gather every `Fault` before they raise, so
that one pass shows everything that is wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class FoldlineError(Exception):
    """Base of every error that Foldline raises on purpose."""


class ConfigError(FoldlineError, ValueError):
    """An experiment, an option or an environment variable is wrong."""


class DataError(FoldlineError, ValueError):
    """The data folder, or a table made from it, is not as it must be."""


class OutdatedTableError(DataError):
    """A table was made by other code, and lacks columns."""


class GateError(FoldlineError, RuntimeError):
    """Validation found a failure that must stop the flow."""


class TrainingError(FoldlineError, RuntimeError):
    """Training cannot go on."""


class DeviceError(TrainingError):
    """The GPU computes wrongly, or not at all: another may do."""


class WorkerError(FoldlineError, RuntimeError):
    """Runs that workers were to do did not end well."""


class StoreError(FoldlineError, OSError):
    """The store could not do what was asked."""


class StoreUnavailableError(StoreError, ConnectionError):
    """The store cannot be reached now, and may be later: the one error after which the same may be tried again."""


class AlreadyExistsError(StoreError, FileExistsError):
    """Create-once lost: the object is there already."""


class NotInStoreError(StoreError, FileNotFoundError):
    """No such artifact, run, ref or file."""


class CorruptFileError(StoreError):
    """What the store keeps is damaged: bytes are not those that a manifest names, or cannot be read at all."""


@dataclass(frozen=True)
class Fault:
    """One kind of thing that is wrong, and everything it is wrong with.

    Attributes:
        what: plural phrase that follows the count, such as "photos cannot be decoded".
        found: every offender, the most telling first.
        remedy: what the reader should do, as a sentence.
    """

    what: str
    found: tuple[str, ...]
    remedy: str

    def __str__(self) -> str:
        return f"{len(self.found)} {self.what}, such as {self.found[0]}. {self.remedy}"


def fault(what: str, found: Sequence[str], remedy: str) -> tuple[Fault, ...]:
    """A tuple of one `Fault`, or an empty one if nothing was found: so that checks can be added up."""
    return (Fault(what, tuple(found), remedy),) if found else ()


def raise_faults(faults: Sequence[Fault], where: str, error: type[FoldlineError] = DataError) -> None:
    """Raise one `error` that lists every fault in `where`; do nothing if there is none."""
    if faults:
        raise error("\n".join([f"{where}:", *(f"  - {fault}" for fault in faults)]))
