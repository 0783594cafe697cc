import pytest

from flows.cli.files import RunFiles
from flows.cli.history import artifacts_of
from tasks.errors import NotInStoreError
from tasks.store import Ledger
from tasks.store.runs import read_run


@pytest.fixture
def files(ledger: Ledger, name: str) -> RunFiles:
    return RunFiles(name, artifacts_of(ledger, read_run(ledger.backend, name)))


@pytest.mark.parametrize("wanted", ["submission.csv", "submission/submission.csv"])
def test_file_is_found_by_its_name_with_or_without_the_artifact(files: RunFiles, wanted: str) -> None:
    artifact, name = files.find(wanted)
    assert artifact.path(name).read_text() == "a,1\n"


def test_file_name_that_several_artifacts_have_needs_the_artifact(files: RunFiles) -> None:
    with pytest.raises(NotInStoreError, match=r"'oof\.parquet' means 2 files, such as fold-0/oof\.parquet"):
        files.find("oof.parquet")
    artifact, name = files.find("fold-0/oof.parquet")
    assert artifact.path(name).read_text() == "fold"


@pytest.mark.parametrize("wanted", ["nothing.csv", "fold", "data_docs", "", "/"])
def test_what_a_run_does_not_have_is_an_error_that_says_how_to_look(files: RunFiles, wanted: str) -> None:
    with pytest.raises(NotInStoreError, match=f"means no file of run {files.run}. `foldline ls {files.run}` lists its"):
        files.select(wanted)


@pytest.mark.parametrize(
    ("wanted", "place", "paths"),
    [
        ("fold-0", "fold-0", ["fold-0/oof.parquet", "fold-0/weights"]),
        ("validate/data_docs/", "validate/data_docs", ["assets/style.css", "index.html"]),
        ("validate/data_docs/assets", "validate/data_docs/assets", ["style.css"]),
        ("index.html", "validate/data_docs/index.html", []),
    ],
)
def test_artifact_or_folder_in_it_means_all_that_lies_there(
    files: RunFiles, wanted: str, place: str, paths: list[str]
) -> None:
    selection = files.select(wanted)
    assert selection.place == place
    whole = [path if path.startswith(place) else f"{place}/{path}" for path in paths]
    assert sorted(selection.files) == (whole or [place])


def test_folder_is_no_file(files: RunFiles) -> None:
    with pytest.raises(
        NotInStoreError, match=r"validate/data_docs is a folder of 2 files, such as .*style\.css\. Name"
    ):
        files.find("validate/data_docs")


def test_error_about_a_missing_file_tells_which_artifacts_are_lost(ledger: Ledger, name: str) -> None:
    run = read_run(ledger.backend, name)
    lost = artifacts_of(ledger, run)
    lost["fold-0"] = "it is gone"
    with pytest.raises(NotInStoreError, match=r"means no file of run .* fold-0 can no longer be read: it is gone"):
        RunFiles(name, lost).find("fold-0/oof.parquet")
