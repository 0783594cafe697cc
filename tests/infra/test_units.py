"""The service by which systemd keeps workers running."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.variables import ROOT, unknown

UNIT = ROOT / "infra/foldline-workers@.service"
LINES = UNIT.read_text(encoding="utf-8").splitlines()
SETTINGS = dict(line.split("=", 1) for line in LINES if "=" in line and not line.startswith("#"))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_has_nothing_to_say(tmp_path: Path) -> None:
    unit = tmp_path / "foldline-workers@gpu.service"
    # It looks for the program, too, which is not installed there.
    unit.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/foldline/bin/foldline", sys.executable))
    said = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert not [line for line in (said.stdout + said.stderr).splitlines() if unit.name in line]


def test_service_calls_workers_as_they_want_to_be_called() -> None:
    command = SETTINGS["ExecStart"].removeprefix("/opt/foldline/bin/foldline ").replace("%i", "gpu").split()
    tried = [sys.executable, "-m", "flows.cli", *command, "--help"]
    assert subprocess.run(tried, capture_output=True, check=False).returncode == 0


def test_workers_are_told_to_stop_by_their_supervisor_alone() -> None:
    assert SETTINGS["KillMode"] == "mixed"


def test_services_do_not_run_as_root_and_write_into_their_own_folder_only() -> None:
    assert SETTINGS["User"] == "foldline"
    assert SETTINGS["ProtectSystem"] == "strict"
    assert SETTINGS["StateDirectory"] == "foldline"
    assert SETTINGS["Environment"] == "FOLDLINE_HOME=/var/lib/foldline"


def test_every_variable_means_something() -> None:
    assert unknown(re.findall(r"\b(?:FOLDLINE|PREFECT)_[A-Z_]+\b", "\n".join(LINES))) == []
