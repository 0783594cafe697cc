"""What the README tells a user to type does what it says."""

import re
from pathlib import Path

import pytest

from tests.e2e.desk import Desk

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
TYPED = re.findall(r"^\.venv/bin/foldline (.+)$", README, re.MULTILINE)
MAKE_TARGETS = re.findall(r"^make (\w+)", README, re.MULTILINE)


def test_readme_shows_the_way_from_validation_to_the_submission() -> None:
    assert [line.split()[0] for line in TYPED] == ["validate", "crop", "plan", "retrain", "runs", "lineage", "get"]
    assert MAKE_TARGETS == ["run", "test"]


def test_commands_of_the_readme_work_as_they_stand(desk: Desk) -> None:
    for line in TYPED:
        desk.run(*line.replace("DIR", "data").split())
    assert (desk.folder / "submission.csv").read_text().startswith("ImageID,ans\n")


def test_sample_command_of_the_readme_draws_what_it_says(desk: Desk) -> None:
    (options,) = re.findall(r"`foldline sample DIR (.+?)`", README)
    desk.run("sample", "drawn", *options.split(), "--flaws")
    assert len(list((desk.folder / "drawn/train/images").iterdir())) == 200
    assert (desk.folder / "drawn/flaws.json").is_file()


@pytest.mark.parametrize("link", re.findall(r"\]\(([\w./-]+)\)", README))
def test_links_of_the_readme_lead_somewhere(link: str) -> None:
    assert (Path(__file__).parents[2] / link).exists()


def test_readme_has_no_figure_left_to_fill_in() -> None:
    assert "@" not in README
