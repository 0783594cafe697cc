from pathlib import Path

import pytest

from tasks.errors import DataError
from tasks.submission.csv_file import check_submission, write_submission

IMAGES = ["a.jpg", "b.jpg", "c.jpg"]
RIGHT = ["ImageID,ans", "a.jpg,0", "b.jpg,17", "c.jpg,5"]


def complaint(folder: Path, lines: list[str]) -> str:
    path = folder / "submission.csv"
    path.write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(DataError) as raised:
        check_submission(path, IMAGES)
    return str(raised.value)


def test_written_submission_passes_the_check(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    write_submission(path, IMAGES, [0, 17, 5])
    check_submission(path, IMAGES)
    assert path.read_text().splitlines() == RIGHT


def test_submission_needs_an_answer_for_every_image(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shorter"):
        write_submission(tmp_path / "submission.csv", IMAGES, [0])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["image,ans", *RIGHT[1:]], "1 headers are wrong, such as image,ans. It must be ImageID,ans."),
        (RIGHT[1:], "1 headers are wrong, such as a.jpg,0."),
        (RIGHT[:3], "1 images have no answer, such as c.jpg."),
        ([*RIGHT, "d.jpg,1"], "1 rows are for no image of info.csv, such as d.jpg."),
        ([*RIGHT, "a.jpg,0"], "1 images are answered twice, such as a.jpg."),
        ([RIGHT[0], RIGHT[2], RIGHT[1], RIGHT[3]], "2 rows are not where info.csv has them, such as b.jpg."),
        ([*RIGHT[:3], "c.jpg,18"], "1 answers are no class, such as c.jpg,18. A class is a whole number from 0 to 17."),
        ([*RIGHT[:3], "c.jpg,-1"], "1 answers are no class"),
        ([*RIGHT[:3], "c.jpg,5.0"], "1 answers are no class"),
        ([*RIGHT[:3], "c.jpg,"], "1 answers are no class"),
        ([*RIGHT[:3], "c.jpg"], "1 answers are no class"),
        ([*RIGHT[:3], "c.jpg,5,0.9"], "1 answers are no class"),
        ([], "3 images have no answer"),
    ],
)
def test_submission_that_the_competition_would_refuse_is_refused(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    assert message in complaint(tmp_path, lines)


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    message = complaint(tmp_path, ["id,ans", "a.jpg,x", "d.jpg,1"])
    for part in ("headers are wrong", "2 images have no answer", "for no image", "1 answers are no class"):
        assert part in message
