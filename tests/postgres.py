"""A PostgreSQL server of its own, which can be killed and started again."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.server.stack import free_port

USER = "postgres"
"""PostgreSQL refuses to run as root; its Debian package makes this user."""


class Postgres:
    """A cluster in a folder, on a port of 127.0.0.1, that takes anybody's word for who they are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        if os.getuid() == 0:
            shutil.chown(folder, USER, USER)
            for above in folder.parents:
                if not above.stat().st_mode & 0o001:  # a temporary folder of root's
                    above.chmod(above.stat().st_mode | 0o001)
        self._run("initdb", "--pgdata", str(folder), "--username", USER, "--auth", "trust", "--no-sync")

    @property
    def url(self) -> str:
        """As Prefect wants it."""
        return f"postgresql+asyncpg://{USER}@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        options = ["-D", str(self._folder), "-p", str(self._port), "-h", "127.0.0.1", "-k", str(self._folder)]
        self._process = subprocess.Popen(
            [_program("postgres"), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **_as_user(),
        )
        deadline = time.monotonic() + 60
        while subprocess.run(
            [_program("pg_isready"), "-h", "127.0.0.1", "-p", str(self._port)], check=False, capture_output=True
        ).returncode:
            assert time.monotonic() < deadline, "PostgreSQL does not start"
            time.sleep(0.2)

    def kill(self) -> None:
        """Kill it and all its processes, as when a machine loses its power."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([_program(program), *arguments], check=True, capture_output=True, **_as_user())


def installed() -> bool:
    return bool(_folders())


def _as_user() -> dict[str, object]:
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam(USER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _program(name: str) -> str:
    return str(_folders()[-1] / name)


def _folders() -> Sequence[Path]:
    """Where programs of PostgreSQL are, as Debian packages put them, the newest last."""
    return sorted(path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb"))
