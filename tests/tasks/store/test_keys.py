import subprocess
import sys
from dataclasses import replace

import pytest
from pydantic import BaseModel

from tasks.store.keys import Step, canonical_json, digest_json

STEP = Step("some", "tasks.classes", ("numpy",))


class Settings(BaseModel):
    """Some settings."""

    size: int = 1


def test_key_is_the_same_in_another_process() -> None:
    script = """
from tasks.store.keys import Step
print(Step("some", "tasks.classes", ("numpy",)).key({"b": "2", "a": "1"}))
"""
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert STEP.key({"a": "1", "b": "2"}) == other


@pytest.mark.parametrize(
    "other",
    [
        replace(STEP, name="other").key({"a": "1"}, Settings()),
        replace(STEP, package="tasks.metrics").key({"a": "1"}, Settings()),
        replace(STEP, libraries=()).key({"a": "1"}, Settings()),
        STEP.key({"a": "2"}, Settings()),
        STEP.key({"b": "1"}, Settings()),
        STEP.key({"a": "1"}, Settings(size=2)),
        STEP.key({"a": "1"}),
    ],
    ids=["name", "code", "libraries", "input", "input's name", "settings", "no settings"],
)
def test_key_changes_with_everything_that_decides_the_result(other: str) -> None:
    assert STEP.key({"a": "1"}, Settings()) != other


def test_key_changes_with_the_version_of_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    before = STEP.key({})
    monkeypatch.setattr("tasks.store.keys.version", lambda _: "0.0.1")
    assert STEP.key({}) != before


def test_json_is_written_in_one_way() -> None:
    assert canonical_json({"b": [1, 2.5], "a": "ä"}) == '{"a":"ä","b":[1,2.5]}'.encode()
    assert digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})


def test_number_that_is_none_has_no_digest() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest_json({"a": float("nan")})
