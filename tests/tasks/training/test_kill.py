import json
import subprocess
import sys
from pathlib import Path

ROUNDS = 4


def test_training_that_is_killed_at_any_moment_ends_with_the_same_bits(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.tasks.training.killing", str(tmp_path), str(ROUNDS), "7"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    alone, *rounds = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rounds) == ROUNDS
    assert sum(found["killed"] for found in rounds) >= 2
    assert sum(found["resumed"] for found in rounds) >= 1
    for found in rounds:
        assert found["files"] == alone["files"]
        assert found["checkpoints"] == []
