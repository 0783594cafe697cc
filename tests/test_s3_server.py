import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

from tests.s3_server import one_write_at_a_time

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

HALF_A_WRITE = b"PUT /first HTTP/1.1\r\nHost: any\r\nContent-Length: 10\r\n\r\nfirst"


def echo(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
    start("200 OK", [])
    return [environ["wsgi.input"].read()]


@pytest.fixture
def port() -> Iterator[int]:
    """Port of a server that answers a write with what was written."""
    server = make_server("127.0.0.1", 0, one_write_at_a_time(echo), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("chunked", [False, True])
def test_writer_that_stops_in_the_middle_keeps_nobody_waiting(port: int, chunked: bool) -> None:
    with (
        socket.create_connection(("127.0.0.1", port)) as stopped,
        closing(HTTPConnection("127.0.0.1", port, timeout=10)) as other,
    ):
        stopped.sendall(HALF_A_WRITE)
        other.request("PUT", "/second", iter([b"sec", b"ond"]) if chunked else b"second", encode_chunked=chunked)
        assert other.getresponse().read() == b"second"
        stopped.sendall(b"-half")
        assert stopped.recv(65536).startswith(b"HTTP/1.1 200")
