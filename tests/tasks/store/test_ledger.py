import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import BaseModel, JsonValue

from tasks.errors import CorruptFileError, NotInStoreError
from tasks.store import Artifact, ArtifactRef, Ledger, Step

STEP = Step("some", "tasks.classes", ("numpy",))


class Settings(BaseModel):
    """Some settings."""

    size: int = 1


def write(folder: Path) -> Mapping[str, JsonValue]:
    (folder / "table.txt").write_text("numbers")
    (folder / "docs").mkdir()
    (folder / "docs/index.html").write_text("<p>")
    return {"rows": 3}


def refuse(folder: Path) -> Mapping[str, JsonValue]:
    raise AssertionError(f"computed again in {folder}")


@pytest.fixture
def artifact(ledger: Ledger) -> Artifact:
    return ledger.produce(STEP, {"data": "digest"}, Settings(), write)


def stored(ledger: Ledger, name: str) -> Path:
    (path,) = Path(ledger.backend.url).glob(f"steps/some/*/{name}")
    return path


def test_artifact_has_its_files_and_says_what_it_was_made_from(artifact: Artifact) -> None:
    manifest = artifact.manifest
    assert {name: path.read_text() for name, path in artifact.paths().items()} == {
        "docs/index.html": "<p>",
        "table.txt": "numbers",
    }
    assert (manifest.inputs, manifest.settings, manifest.summary) == ({"data": "digest"}, {"size": 1}, {"rows": 3})
    assert manifest.files["table.txt"].size == 7
    assert set(manifest.libraries) == {"numpy"}
    assert (manifest.device, artifact.reused) == ("cpu", False)


def test_manifest_says_what_it_was_computed_on_and_another_device_asks_for_the_same_artifact(ledger: Ledger) -> None:
    artifact = ledger.produce(replace(STEP, device=lambda: "gpu"), {}, None, write)
    assert artifact.manifest.device == "gpu"
    assert ledger.produce(STEP, {}, None, refuse).manifest.device == "gpu"


def test_only_the_files_that_are_asked_for_are_read(ledger: Ledger, artifact: Artifact) -> None:
    stored(ledger, "*/docs/index.html").write_text("damaged")
    assert {name: path.read_text() for name, path in artifact.paths(["table.txt"]).items()} == {"table.txt": "numbers"}
    with pytest.raises(CorruptFileError):
        artifact.paths(["table.txt", "docs/index.html"])


def test_same_question_is_answered_from_the_store(ledger: Ledger, artifact: Artifact) -> None:
    again = ledger.produce(STEP, {"data": "digest"}, Settings(), refuse)
    assert (again.reused, again.ref) == (True, artifact.ref)


def test_artifact_as_input_counts_by_its_key(ledger: Ledger, artifact: Artifact) -> None:
    child = ledger.produce(STEP, {"parent": artifact}, None, write)
    assert child.manifest.inputs == {"parent": f"some/{artifact.ref.key}"}


def test_failed_computation_leaves_nothing(ledger: Ledger) -> None:
    with pytest.raises(AssertionError):
        ledger.produce(STEP, {}, None, refuse)
    assert [path for path in Path(ledger.backend.url).rglob("*") if path.is_file()] == []


def test_killed_computation_is_never_seen_and_is_done_again(ledger: Ledger) -> None:
    script = """
import sys, time
from pathlib import Path
from tasks.store import Ledger, Step
from tasks.store.folder import FolderBackend
def compute(folder):
    (folder / "table.txt").write_text("half")
    print("under way", flush=True)
    time.sleep(60)
Ledger(FolderBackend(Path(sys.argv[1]))).produce(Step("some", "tasks.classes", ("numpy",)), {}, None, compute)
"""
    command = [sys.executable, "-c", script, ledger.backend.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "under way\n"
        process.send_signal(signal.SIGKILL)
    assert ledger.find("some", STEP.key({})) is None
    assert ledger.produce(STEP, {}, None, write).path("table.txt").read_text() == "numbers"
    assert list((Path(ledger.backend.url) / "tmp").iterdir()) == []


def test_of_two_who_compute_the_same_both_get_the_files_of_the_first(ledger: Ledger) -> None:
    def slow(folder: Path) -> Mapping[str, JsonValue]:
        (folder / "who").write_text("second")
        (folder / "only-second").touch()
        ledger.produce(STEP, {}, None, lambda inner: {"bytes": (inner / "who").write_text("first")})
        return {}

    artifact = ledger.produce(STEP, {}, None, slow)
    assert {name: path.read_text() for name, path in artifact.paths().items()} == {"who": "first"}
    assert artifact.reused


@pytest.mark.parametrize("content", ["numberz", "num", ""], ids=["changed", "cut off", "emptied"])
def test_damaged_file_is_named_and_never_used(ledger: Ledger, artifact: Artifact, content: str) -> None:
    assert artifact.path("table.txt").read_text() == "numbers"
    stored(ledger, "*/table.txt").write_text(content)
    with pytest.raises(CorruptFileError, match=r"table\.txt is damaged: .* the next run makes it anew"):
        ledger.get(artifact.ref).path("table.txt")


def test_lost_file_is_named(ledger: Ledger, artifact: Artifact) -> None:
    stored(ledger, "*/table.txt").unlink()
    with pytest.raises(CorruptFileError, match=r"table\.txt is not in .*, but its manifest names it\. Delete"):
        artifact.path("table.txt")


@pytest.mark.parametrize("content", ["", "{}", "no json"])
def test_damaged_manifest_is_named(ledger: Ledger, artifact: Artifact, content: str) -> None:
    stored(ledger, "manifest.json").write_text(content)
    with pytest.raises(CorruptFileError, match=r"manifest\.json is damaged: it is no manifest\. Delete"):
        ledger.get(artifact.ref)


def test_file_that_an_artifact_does_not_have_is_told_with_those_it_has(artifact: Artifact) -> None:
    with pytest.raises(NotInStoreError, match=r"has no file 'other'; it has docs/index\.html, table\.txt"):
        artifact.path("other")


def test_unknown_artifact_is_not_in_the_store(ledger: Ledger) -> None:
    with pytest.raises(NotInStoreError):
        ledger.get(ArtifactRef(step="some", key="0"))


def test_manifest_holds_no_path_of_this_machine(ledger: Ledger, artifact: Artifact, tmp_path: Path) -> None:
    assert artifact.manifest.files
    assert str(tmp_path) not in stored(ledger, "manifest.json").read_text()
    assert json.loads(stored(ledger, "manifest.json").read_text())["key"] == artifact.ref.key
