"""Somebody who takes what a webhook sends."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Receiver:
    """Keeps the texts that it is sent."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.texts: list[str] = []
        self.url = f"http://127.0.0.1:{server.server_port}/hook"

    def got(self, *words: str) -> bool:
        """Whether one text has all the words."""
        return any(all(word in text for word in words) for text in self.texts)


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.texts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(server)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join()
