"""`foldline gc` and `foldline fsck`, as a person calls them."""

import pytest

from flows.cli import main
from tasks.store import ArtifactRef, Ledger
from tests.tasks.store.history import add_run, artifacts_in, keys_in, make, put, save_checkpoint, start_run

ORPHAN = f"steps/first/{'0' * 64}/{'1' * 12}/file"


def output(capsys: pytest.CaptureFixture[str], ledger: Ledger, *arguments: str) -> list[str]:
    main([*arguments, "--store", ledger.backend.url])
    return capsys.readouterr().out.splitlines()


def failure(capsys: pytest.CaptureFixture[str], ledger: Ledger, *arguments: str) -> str:
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--store", ledger.backend.url])
    assert left.value.code == 1
    return capsys.readouterr().err


@pytest.fixture
def names(ledger: Ledger) -> list[str]:
    """Three runs, the newest first, each with an artifact of its own."""
    return [add_run(ledger.backend, [make(ledger.backend, "first", {"n": str(n)})], n + 1) for n in range(3)]


def test_gc_tells_what_would_go_and_deletes_nothing(
    capsys: pytest.CaptureFixture[str], ledger: Ledger, names: list[str]
) -> None:
    put(ledger.backend, ORPHAN, b"x" * 1000)
    before = keys_in(ledger.backend)
    lines = output(capsys, ledger, "gc", "--keep-last", "1")
    assert {f"Goes: {name}" for name in names[1:]} < set(lines)
    (row,) = [line.split() for line in lines if line.startswith("first")]
    assert (row[1], row[4]) == ("1", "2")
    assert "1 runs stay: 1 newest." in lines
    assert any(line.startswith("2 runs, 2 artifacts, 0 checkpoints, 1 leftovers go, ") for line in lines)
    assert lines[-1] == "Nothing was deleted; the same command with --delete does it."
    assert keys_in(ledger.backend) == before


def test_gc_deletes_when_told_to_and_keeps_what_is_asked_for(
    capsys: pytest.CaptureFixture[str], ledger: Ledger, names: list[str]
) -> None:
    main(["tag", names[2], "champion", "--store", ledger.backend.url])
    last = output(capsys, ledger, "gc", "--keep-last", "0", "--keep", names[1], "--delete")[-1]
    assert last.startswith("Deleted 5 objects, ")
    assert {key.split("/")[1] for key in keys_in(ledger.backend, "runs/")} == set(names[1:])
    assert len(artifacts_in(ledger.backend)) == 2
    assert keys_in(ledger.backend, "housekeeping/") == set()
    assert output(capsys, ledger, "gc")[-1] == "There is nothing to delete."
    assert output(capsys, ledger, "fsck")[-1].startswith("2 artifacts, 4 files, ")


def test_gc_tells_of_runs_that_keep_leftovers_or_were_killed_and_of_damaged_artifacts(
    capsys: pytest.CaptureFixture[str], ledger: Ledger
) -> None:
    put(ledger.backend, ORPHAN, b"left")
    running, killed = start_run(ledger.backend, {}).run, start_run(ledger.backend, {}, days_ago=8).run
    damaged = make(ledger.backend, "first").ref
    put(ledger.backend, f"steps/{damaged}/manifest.json", b"")
    text = "\n".join(output(capsys, ledger, "gc"))
    assert f"1 artifacts stay as their manifests are damaged, such as {damaged}. `foldline fsck` tells" in text
    assert f"1 runs have not ended within 7 days and count as killed, such as {killed}." in text
    assert f"stay while runs are under way, such as {running}. If that was killed, delete its folder." in text


def test_gc_tells_of_checkpoints_that_stay_and_that_go(capsys: pytest.CaptureFixture[str], ledger: Ledger) -> None:
    made = make(ledger.backend, "first")
    add_run(ledger.backend, [made])
    save_checkpoint(ledger.backend, made.ref)
    stays = save_checkpoint(ledger.backend, ArtifactRef(step="training", key="0" * 64))
    lines = output(capsys, ledger, "gc")
    (line,) = [line for line in lines if "checkpoints stay" in line]
    assert line.startswith("1 checkpoints stay, ")
    assert line.endswith(f"such as {stays}: a run may go on from them, for 7 days, or as long as runs are under way.")
    assert any(line.startswith("0 runs, 0 artifacts, 1 checkpoints, 0 leftovers go, ") for line in lines)


def test_gc_refuses_runs_that_are_not_there_or_cannot_be_read(
    capsys: pytest.CaptureFixture[str], ledger: Ledger, names: list[str]
) -> None:
    assert "no run matches 'nothing'" in failure(capsys, ledger, "gc", "--keep", "nothing", "--delete")
    put(ledger.backend, f"runs/{names[0]}/manifest.json", b"")
    assert f"cannot be read, such as {names[0]}" in failure(capsys, ledger, "gc", "--delete")
    assert len(artifacts_in(ledger.backend)) == 3
    assert keys_in(ledger.backend, "housekeeping/") == set()


def test_negative_number_of_runs_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["gc", "--keep-last", "-1"])
    assert left.value.code == 2
    assert "keep-last" in capsys.readouterr().err


def test_fsck_lists_problems_and_exits_with_1(
    capsys: pytest.CaptureFixture[str], ledger: Ledger, names: list[str]
) -> None:
    put(ledger.backend, ORPHAN, b"left")
    put(ledger.backend, f"runs/{names[0]}/start.json", b"")
    put(ledger.backend, f"runs/{names[1]}/start.json", b"")
    with pytest.raises(SystemExit) as left:
        main(["fsck", "--store", ledger.backend.url])
    captured = capsys.readouterr()
    assert left.value.code == 1
    lines = [line for line in captured.out.splitlines() if line.startswith("runs/")]
    assert lines == [
        f"runs/{name}/start.json is damaged, or of another version of Foldline. "
        "Delete the run's folder to forget it; its artifacts stay."
        for name in names[1::-1]
    ]
    assert f"such as {ORPHAN}, belong to nothing. `foldline gc` deletes them" in captured.out
    assert f"2 problems in {ledger.backend.url}; 3 artifacts, 6 files, " in captured.err


def test_fsck_of_a_store_that_is_well_says_so(
    capsys: pytest.CaptureFixture[str], ledger: Ledger, names: list[str]
) -> None:
    assert len(names) == 3
    last = output(capsys, ledger, "fsck")[-1]
    assert last.startswith("3 artifacts, 6 files, ")
    assert last.endswith(" read; all is well.")
