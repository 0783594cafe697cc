"""The Prefect server of a run in one process: `python -m flows.embedded_server FD`, as flows/embedded.py starts it."""

import ctypes
import signal
import socket
import sys

PR_SET_PDEATHSIG = 1
"""From <sys/prctl.h>: the signal that a process gets when its parent dies."""


def main() -> None:
    """Serve Prefect's API, with the services that a run needs, on the listening socket that was handed down."""
    if sys.platform == "linux":  # a run that is killed leaves no server behind
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    import uvicorn
    from prefect.server.api.server import create_app

    config = uvicorn.Config(create_app(ephemeral=True, final=True), log_level="error", lifespan="on")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    main()
