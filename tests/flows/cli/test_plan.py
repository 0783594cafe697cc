import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli import main
from tasks.catalog.step import make_catalog
from tasks.data_folder.local import LocalFolder
from tasks.faces.settings import FacesSettings
from tasks.faces.step import find_boxes
from tasks.store import Ledger


def lines_of(capsys: pytest.CaptureFixture[str], data: Path, ledger: Ledger, *changes: str) -> list[str]:
    """What a plan of the sample prints, centre crops in two folds."""
    settings = [part for change in ("faces.crop=centre", "folds.count=2", *changes) for part in ("--set", change)]
    main(["plan", "--data", str(data), "--experiment", "sample", *settings, "--store", ledger.backend.url])
    return [line.rstrip() for line in capsys.readouterr().out.splitlines() if not line.startswith("Fingerprinting")]


def test_plan_says_what_is_reused_and_what_runs_why_and_how_long(
    capsys: pytest.CaptureFixture[str], sample_data: Path, ledger: Ledger
) -> None:
    catalog = make_catalog(ledger, LocalFolder(sample_data))
    find_boxes(ledger, LocalFolder(sample_data), catalog, FacesSettings(crop="centre"))
    first, _, faces, _, prepare, *_, last = lines_of(capsys, sample_data, ledger)
    assert first.split() == ["catalog", "reuse"]
    assert faces.split() == ["faces", "reuse"]
    assert prepare.split() == ["prepare", "run", "?", "never", "made", "before"]
    assert last == "14 steps: 2 reused, 12 to run, 12 of them never made before"
    _, _, faces, *_, last = lines_of(capsys, sample_data, ledger, "faces.padding_x=9")
    assert faces.split()[:2] == ["faces", "run"]
    assert faces.endswith("s  faces.padding_x 20 -> 9")
    assert last.startswith("14 steps: 1 reused, 13 to run, about 0.")
    assert last.endswith("s, as the nearest earlier ones took, 12 of them never made before")


def test_inputs_that_are_made_anew_are_told_shortly(
    capsys: pytest.CaptureFixture[str], sample_data: Path, ledger: Ledger, tmp_path: Path
) -> None:
    catalog = make_catalog(ledger, LocalFolder(sample_data))
    find_boxes(ledger, LocalFolder(sample_data), catalog, FacesSettings(crop="centre"))
    data = shutil.copytree(sample_data, tmp_path / "data")
    info = data / "eval/info.csv"
    (data / "eval/images" / info.read_text().splitlines()[-1].partition(",")[0]).unlink()
    info.write_text("\n".join(info.read_text().splitlines()[:-1]))
    catalog_line, _, faces, *_ = lines_of(capsys, data, ledger)
    assert "s  data: 1 photos gone, such as eval/images/" in catalog_line
    assert faces.endswith("s  input catalog made anew")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--data", "nowhere"), 1, "There is no data folder nowhere"),
        (("--data", "x", "--experiment", "nonsense"), 2, "There is no experiment 'nonsense'"),
        (("--data", "s3://key:topsecret@bucket"), 2, "must not hold credentials"),
    ],
    ids=["data", "experiment", "url"],
)
def test_what_stops_a_retrain_stops_the_plan(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...], status: int, message: str
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["plan", *arguments, "--store", str(tmp_path / "store")])
    assert left.value.code == status
    assert message in " ".join(capsys.readouterr().err.split())


def test_plan_starts_no_prefect_loads_no_torch_and_makes_no_store(sample_data: Path, tmp_path: Path) -> None:
    heavy = ("prefect", "torch", "great_expectations", "albumentations", "matplotlib", "sklearn", "onnxruntime")
    script = f"""
import sys
from flows.cli import main
main(["plan", "--data", {str(sample_data)!r}, "--store", "store"])
loaded = [name for name in {heavy!r} if name in sys.modules]
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []
