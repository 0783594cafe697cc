"""Why an artifact cannot be an earlier one: what differs between all that decides their keys."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from pydantic import JsonValue

from tasks.errors import CorruptFileError, NotInStoreError
from tasks.store.code import ACTIONS
from tasks.store.ledger import Ledger
from tasks.store.manifest import ArtifactRef, Manifest
from tasks.store.parallel import in_parallel

MADE = re.compile(r"([^/]+/)?[0-9a-f]{64}")
"""An input that is an artifact or a digest; any other is a plain value, such as the number of a fold."""

CodeOf = Callable[[str], Mapping[str, str] | None]
"""The parts of the code with a digest, as `code_parts` names them; None if nobody knows."""


@dataclass(frozen=True)
class Change:
    """Something that is not as it was; None where there is, or was, no such thing."""

    name: str
    old: str | None
    new: str | None


class InputChange(Change):
    """An input: ``step/key`` of an artifact, a digest, or a plain value."""


class SettingChange(Change):
    """A setting, by its dotted name, such as ``training.epochs``; values as JSON."""


class LibraryChange(Change):
    """The version of a library."""


@dataclass(frozen=True)
class CodeChange:
    """The code. All are empty if nobody knows which part of it, as one of the two was never recorded."""

    changed: tuple[str, ...] = ()
    """Definitions, as ``path:name``, and files, as ``path``."""
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


Kind = TypeVar("Kind", bound=Change)
Difference = InputChange | SettingChange | LibraryChange | CodeChange


def differences(old: Manifest, new: Manifest, code_of: CodeOf) -> tuple[Difference, ...]:
    """All that makes the keys of two artifacts of a step differ; empty if they are the same."""
    return (
        *_changes(InputChange, old.inputs, new.inputs),
        *setting_changes({old.step: old.settings}, {new.step: new.settings}),
        *_changes(LibraryChange, old.libraries, new.libraries),
        *([code_change(code_of(old.code), code_of(new.code))] if old.code != new.code else ()),
    )


def is_made(change: InputChange) -> bool:
    """Whether the input is an artifact or a digest, and no plain value."""
    return any(value is not None and MADE.fullmatch(value) for value in (change.old, change.new))


def setting_changes(old: Mapping[str, JsonValue], new: Mapping[str, JsonValue]) -> list[SettingChange]:
    """The settings that differ, in groups of any depth."""
    return _changes(SettingChange, dict(_flat(old)), dict(_flat(new)))


def code_change(old: Mapping[str, str] | None, new: Mapping[str, str] | None) -> CodeChange:
    """What differs between the parts of two states of the code. A file is told only if no definition in it says why."""
    if old is None or new is None:
        return CodeChange()
    # Imports last: they mostly follow from what else is new.
    names = sorted(old.keys() | new.keys(), key=lambda part: (part.endswith(f":{ACTIONS}"), part))
    parts = [part for part in names if old.get(part) != new.get(part)]
    explained = {part.partition(":")[0] for part in parts if ":" in part}
    told = [part for part in parts if part not in explained]
    return CodeChange(
        changed=tuple(part for part in told if part in old and part in new),
        new=tuple(part for part in told if part not in old),
        gone=tuple(part for part in told if part not in new),
    )


def nearest(wanted: Manifest, earlier: Iterable[Manifest]) -> Manifest | None:
    """Of earlier artifacts of the same step the one that differs least, the newest of several; None if there are none.

    Plain inputs come first: the model of fold 2 is compared with one of fold 2, if there is any.
    """

    def distance(manifest: Manifest) -> tuple[int, int, float]:
        found = differences(manifest, wanted, lambda _: None)
        plain = [change for change in found if isinstance(change, InputChange) and not is_made(change)]
        return len(plain), len(found), -manifest.started.timestamp()

    return min(earlier, key=distance, default=None)


def read_manifests(ledger: Ledger, step: str) -> list[Manifest]:
    """The manifest of every artifact of a step, read at once; those that cannot be read are left out."""
    pattern = re.compile(rf"steps/{re.escape(step)}/([^/]+)/manifest\.json")
    matches = (pattern.fullmatch(found.key) for found in ledger.backend.list(f"steps/{step}/"))
    refs = [ArtifactRef(step=step, key=match[1]) for match in matches if match]
    return [manifest for manifest in in_parallel(partial(read_manifest, ledger), refs) if manifest]


def read_manifest(ledger: Ledger, ref: ArtifactRef) -> Manifest | None:
    """The manifest of an artifact; None if it is lost or damaged."""
    try:
        return ledger.get(ref).manifest
    except (NotInStoreError, CorruptFileError):
        return None


def _flat(settings: Mapping[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted name and JSON of every setting."""
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", json.dumps(value, ensure_ascii=False)


def _changes(kind: type[Kind], old: Mapping[str, str], new: Mapping[str, str]) -> list[Kind]:
    names = dict.fromkeys([*old, *new])
    return [kind(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]
