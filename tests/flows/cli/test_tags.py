import pytest

from flows.cli import main
from tasks.store import Ledger
from tasks.store.refs import advance_ref, read_ref
from tests.flows.cli.conftest import Foldline


@pytest.fixture
def failed(foldline: Foldline, name: str) -> str:
    """Name of the run that failed."""
    (failed,) = (line.split()[0] for line in foldline("runs")[1:] if name not in line)
    return failed


def test_tagged_run_is_found_by_its_tag(foldline: Foldline, name: str, failed: str) -> None:
    assert foldline("tag", failed, "suspect") == [f"suspect is {failed} now."]
    assert foldline("show", "suspect")[0].split() == ["run", failed]
    assert foldline("show", "latest")[0].split() == ["run", name]


def test_tag_moves_on_to_another_run(foldline: Foldline, ledger: Ledger, name: str, failed: str) -> None:
    for run in (failed, name):
        foldline("tag", run, "champion")
    assert foldline("show", "champion")[0].split() == ["run", name]
    assert read_ref(ledger.backend, "champion").number == 2


def test_runs_shows_the_tags_of_each_run(foldline: Foldline, name: str, failed: str) -> None:
    for run, tag in ((name, "champion"), (name, "best"), (failed, "suspect")):
        foldline("tag", run, tag)
    header, first, second = foldline("runs")
    assert header.split()[-1] == "tags"
    assert first.rstrip().endswith("best, champion")
    assert second.rstrip().endswith("suspect")


def test_damaged_tag_hides_no_run_and_no_other_tag(foldline: Foldline, ledger: Ledger, name: str) -> None:
    advance_ref(ledger.backend, "champion", name, after=0)
    ledger.backend.create("refs/broken/000001.json", b"")
    _, first, _ = foldline("runs")
    assert first.rstrip().endswith("champion")


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("latest", "latest is always the newest run"),
        ("Champion", "'Champion' can be no tag. Use small letters, digits and dashes"),
        ("-x", "'-x' can be no tag"),
        ("a/b", "'a/b' can be no tag"),
        ("", "'' can be no tag"),
    ],
)
def test_name_that_can_be_no_tag_is_a_wrong_call(
    ledger: Ledger, name: str, tag: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["tag", "--store", ledger.backend.url, "--", name, tag])
    assert left.value.code == 2
    assert message in capsys.readouterr().err


def test_name_of_a_run_is_no_tag(
    foldline: Foldline, name: str, failed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        foldline("tag", name, failed)
    assert left.value.code == 2
    assert "can be no tag. Name the run first, then the tag." in capsys.readouterr().err
