from dataclasses import replace
from pathlib import Path

from expectations.wording import Offender, Outcome
from tasks.tables import OFFENDERS, RESULTS
from tasks.validate.outcomes import write_outcomes

FAILED = Outcome(
    expectation="sharp_enough",
    rule="Photos are sharp.",
    column="sharpness",
    severity="warning",
    success=False,
    unit="photos",
    checked=9,
    unexpected=3,
    offenders=(Offender("a.jpg", "1.0"), Offender("b.jpg", "like a.jpg", "a.jpg")),
    message="3 of 9 photos are blurred, such as a.jpg (1.0). Look at them.",
)
MET = replace(FAILED, expectation="decodable", success=True, unexpected=0, offenders=(), message="All can be decoded.")


def test_outcomes_become_a_row_each_and_offenders_too(tmp_path: Path) -> None:
    summary = write_outcomes(tmp_path, {"photos": [FAILED, MET]})
    assert summary == {"expectations": 2, "failed": {"critical": 0, "warning": 1, "info": 0}}
    results = RESULTS.read(tmp_path / "results.parquet")
    assert results["expectation"].tolist() == ["sharp_enough", "decodable"]
    assert results["example"].fillna("none").tolist() == ["a.jpg (1.0)", "none"]
    offenders = OFFENDERS.read(tmp_path / "offenders.parquet").fillna("none")
    assert offenders.to_numpy().tolist() == [
        ["photos", "sharp_enough", "a.jpg", "1.0", "none"],
        ["photos", "sharp_enough", "b.jpg", "like a.jpg", "a.jpg"],
    ]


def test_tables_are_there_even_if_nothing_failed(tmp_path: Path) -> None:
    write_outcomes(tmp_path, {"photos": [MET]})
    assert OFFENDERS.read(tmp_path / "offenders.parquet").empty
