"""What docs/deploying.md tells people to type, and to set, is there."""

import re
import subprocess
import sys

import pytest

from tests.infra.variables import ROOT, unknown

GUIDE = (ROOT / "docs/deploying.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"(?:^|`|deploy )foldline ([a-z]+)", GUIDE, re.MULTILINE)))
FILES = sorted(set(re.findall(r"\binfra/[\w./@-]+[\w]", GUIDE)) - {"infra/secrets"})


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist(command: str) -> None:
    tried = subprocess.run([sys.executable, "-m", "flows.cli", command, "--help"], capture_output=True, check=False)
    assert tried.returncode == 0


@pytest.mark.parametrize("file", [file for file in FILES if not file.startswith("infra/secrets/")])
def test_files_exist(file: str) -> None:
    assert (ROOT / file).exists()


@pytest.mark.parametrize("link", re.findall(r"\]\(([\w./-]+)\)", GUIDE))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()


def test_every_variable_means_something() -> None:
    ours = set(re.findall(r"\b(?:FOLDLINE|PREFECT)_[A-Z0-9_]+\b", GUIDE)) - {"FOLDLINE_LISTEN"}  # compose.yaml's own
    assert unknown(ours) == []


def test_all_commands_of_the_guide_are_looked_at() -> None:
    assert COMMANDS == ["deploy", "retrain", "runs", "sample", "up", "workers"]
