"""Step keys: the same key anywhere means the same result, but for how a device rounds.

What a step is computed on is not in its key: a model that was trained on a GPU is reused on a laptop. The manifest says
where it was made.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from pydantic import BaseModel, JsonValue

from tasks.store.code import code_digest


@dataclass(frozen=True)
class Step:
    """What decides a step's result besides its inputs and its settings.

    Attributes:
        name: the step's name, also its folder in the store.
        package: module or package whose code computes the result.
        libraries: distributions whose versions decide its numbers.
        device: tells what it is computed on, for the manifest; called only if it is computed.
    """

    name: str
    package: str
    libraries: tuple[str, ...] = ()
    device: Callable[[], str] = lambda: "cpu"

    def versions(self) -> dict[str, str]:
        """Installed version of every library that decides the step's numbers."""
        return {library: version(library) for library in self.libraries}

    def key(self, inputs: Mapping[str, str], settings: BaseModel | None = None) -> str:
        """The step key, 64 hex digits: no clock, path or host is in it."""
        return step_key(self.name, code_digest(self.package), self.versions(), inputs, settings_json(settings))


def step_key(
    step: str,
    code: str,
    libraries: Mapping[str, str],
    inputs: Mapping[str, str],
    settings: Mapping[str, JsonValue],
) -> str:
    """Digest, 64 hex digits, of all that decides a step's result."""
    return digest_json(
        {
            "step": step,
            "code": code,
            "libraries": dict(libraries),
            "inputs": dict(inputs),
            "settings": dict(settings),
        }
    )


def settings_json(settings: BaseModel | None) -> dict[str, JsonValue]:
    """Settings as JSON; empty if there are none."""
    return settings.model_dump(mode="json") if settings else {}


def canonical_json(value: object) -> bytes:
    """The one way to write `value` as JSON: keys sorted, no spaces, UTF-8. Raises ValueError for NaN and infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_json(value: object) -> str:
    """SHA-256 of `canonical_json`, hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
