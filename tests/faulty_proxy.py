"""An HTTP proxy that misbehaves on purpose, to stand between an S3 client and an S3 server.

    with FaultyProxy("http://127.0.0.1:5000", Faults(lost_answer=0.1), seed=1) as proxy:
        s3 = boto3.client("s3", endpoint_url=proxy.url, ...)
        ...
        assert proxy.counts["lost_answer"]

It works on sockets rather than on `http.server`, because its faults are about what is on the wire when, and because a
request must reach the server with every signed byte as it was.
"""

import select
import socket
import socketserver
import struct
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from enum import Enum
from io import BufferedReader
from random import Random
from types import TracebackType
from typing import Literal, NamedTuple, Self, get_args
from urllib.parse import parse_qsl, urlsplit

BLOCK = 256 * 1024

# What only concerns one connection, and there are two: the client's stays open, the server's is for one request.
HOP_BY_HOP = ("connection", "keep-alive", "proxy-connection")
CHUNKED = b"Transfer-Encoding: chunked"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# A GET of a key with any other parameter asks about the object, or lists, and is answered in XML.
OBJECT_PARAMETERS = ("versionid", "partnumber", "x-id", "response-", "x-amz-")

SERVER_ERRORS = (b"500 Internal Server Error", b"502 Bad Gateway", b"503 Service Unavailable")
SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message>"
    b"<RequestId>faulty-proxy</RequestId><HostId>faulty-proxy</HostId></Error>"
)

Fault = Literal[
    "server_error",
    "slow_down",
    "lost_answer",
    "reset_in_request",
    "reset_in_body",
    "truncated_body",
    "stall",
    "wrong_answer_byte",
    "wrong_request_byte",
]


@dataclass(frozen=True)
class Faults:
    """Share of requests, 0..1, that each fault hits; at most one fault a request.

    A request that cannot have its fault, such as a body cut off where there is none, passes and is not counted.
    """

    server_error: float = 0
    """500, 502 or 503 without forwarding."""
    slow_down: float = 0
    """503 with S3's SlowDown without forwarding."""
    lost_answer: float = 0
    """The request is carried out, then the connection is reset before any answer."""
    reset_in_request: float = 0
    """The connection is reset after half of the request's body was read; nothing is forwarded."""
    reset_in_body: float = 0
    """The answer's headers and half of its body, then a reset."""
    truncated_body: float = 0
    """The answer's headers and half of its body, then an orderly close."""
    stall: float = 0
    """Half of the answer, then silence for `stall_seconds`, then an orderly close."""
    wrong_answer_byte: float = 0
    """One byte of an object that is read is another."""
    wrong_request_byte: float = 0
    """One byte of the request's body is another before it is forwarded."""

    stall_seconds: float = 10
    """To be longer than the client's time-out; a stall also ends with the proxy."""
    only: Collection[str] | Callable[[str, str], bool] | None = None
    """Methods, or a predicate of method and path with its query; no other request has a fault or takes a draw."""
    wrong_byte_in_any_answer: bool = False
    """`wrong_answer_byte` also hits lists, errors and whatever else has a body."""

    def __post_init__(self) -> None:
        shares = [share for _, share in self.shares()]
        if min(shares) < 0 or sum(shares) > 1 + 1e-9:
            raise ValueError(f"the shares are {shares}: none may be below 0, nor their sum above 1")

    def shares(self) -> list[tuple[Fault, float]]:
        return [(fault, getattr(self, fault)) for fault in get_args(Fault)]

    def concern(self, method: str, path: str) -> bool:
        if self.only is None:
            return True
        return self.only(method, path) if callable(self.only) else method in self.only


class Exchanged(NamedTuple):
    """A request, and what was done to it: a fault, nothing, or "upstream_lost" if the server itself failed us."""

    method: str
    path: str
    fault: Fault | Literal["upstream_lost"] | None


class ClientLostError(ConnectionError):
    """The client has gone, or the proxy closes."""


class UpstreamLostError(ConnectionError):
    """The server cannot be reached or broke off."""


class End(Enum):
    """What becomes of the client's connection."""

    KEEP = "kept for the next request"
    CLOSE = "orderly close"
    RESET = "TCP reset"


@dataclass(frozen=True)
class Head:
    """The first line and the headers of a request or an answer, as they came."""

    line: bytes
    headers: tuple[bytes, ...]

    def __bytes__(self) -> bytes:
        return b"\r\n".join((self.line, *self.headers, b"", b""))

    def get(self, name: str) -> str:
        for header in self.headers:
            found, _, value = header.decode("latin-1").partition(":")
            if found.lower() == name:
                return value.strip().lower()
        return ""

    @property
    def status(self) -> int:
        return int(self.line.split(b" ", 2)[1])

    @property
    def chunked(self) -> bool:
        return "chunked" in self.get("transfer-encoding")

    def without(self, *names: str) -> "Head":
        kept = (header for header in self.headers if header.partition(b":")[0].decode("latin-1").lower() not in names)
        return replace(self, headers=tuple(kept))

    def plus(self, header: bytes) -> "Head":
        return replace(self, headers=(*self.headers, header))


@dataclass(frozen=True)
class Body:
    """What follows a head, read as it is asked for; without a size only its end tells how long it was."""

    blocks: Iterator[bytes]
    size: int | None

    def measured(self) -> "Body":
        """With a size, which costs memory only where the sender gave none."""
        if self.size is not None:
            return self
        whole = b"".join(self.blocks)
        return Body(iter([whole]), len(whole))

    def first_half(self) -> Iterator[bytes]:
        """Half of the bytes; of a body without a size, its first block."""
        left = BLOCK if self.size is None else self.size // 2
        for block in self.blocks:
            yield block[:left]
            left -= len(block)
            if left <= 0 or self.size is None:
                return

    def with_wrong_byte(self, place: float) -> "Body":
        """The same but for one bit of the byte at `place`, 0..1, of a body with a size."""
        return Body(_with_wrong_byte(self.blocks, int(place * (self.size or 0))), self.size)

    def drain(self) -> None:
        for _ in self.blocks:
            pass


def _with_wrong_byte(blocks: Iterable[bytes], at: int) -> Iterator[bytes]:
    for block in blocks:
        if 0 <= at < len(block):
            yield block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]
        else:
            yield block
        at -= len(block)


class Wire:
    """A connection that speaks HTTP; a failure of it is a `lost`."""

    def __init__(self, sock: socket.socket, lost: type[ConnectionError]) -> None:
        # Without this the kernel would hold a short body back until its head is acknowledged.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self._lost = lost
        self._stream = BufferedReader(sock.makefile("rb", buffering=0), BLOCK)

    def close(self) -> None:
        self._stream.close()
        self.sock.close()

    def reset_on_close(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def send(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise self._lost("cannot be sent to") from error

    def send_body(self, body: Body, *, chunked: bool) -> None:
        for block in body.blocks:
            self.send(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
        if chunked:
            self.send(b"0\r\n\r\n")

    def is_silent(self, seconds: float) -> bool:
        """Whether nothing comes for so long, not even the end."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return not poll.poll(seconds * 1000)

    def head(self) -> Head | None:
        """None if the other side has closed where it may."""
        line = self._line()
        if not line:
            return None
        headers = []
        while (header := self._line()).strip():
            headers.append(header.rstrip(b"\r\n"))
        if not header:
            raise self._lost("the head ended early")
        return Head(line.rstrip(b"\r\n"), tuple(headers))

    def body(self, head: Head, *, ends_with_connection: bool = False) -> Body:
        if head.chunked:
            return Body(self._chunks(), None)
        if not head.get("content-length") and ends_with_connection:
            return Body(self._rest(), None)
        size = int(head.get("content-length") or 0)
        return Body(self._counted(size), size)

    def _line(self) -> bytes:
        try:
            return self._stream.readline()
        except OSError as error:
            raise self._lost("broke off") from error

    def _block(self, at_most: int) -> bytes:
        try:
            return self._stream.read1(at_most)
        except OSError as error:
            raise self._lost("broke off") from error

    def _counted(self, size: int) -> Iterator[bytes]:
        while size > 0:
            block = self._block(min(size, BLOCK))
            if not block:
                raise self._lost(f"{size} bytes are missing")
            size -= len(block)
            yield block

    def _chunks(self) -> Iterator[bytes]:
        while size := self._chunk_size():
            yield from self._counted(size)
            self._line()
        while self._line().strip():  # trailers, which a proxy may drop and S3 clients do not send
            pass

    def _chunk_size(self) -> int:
        line = self._line()
        if not line:
            raise self._lost("the last chunk is missing")
        return int(line.partition(b";")[0], 16)

    def _rest(self) -> Iterator[bytes]:
        while block := self._block(BLOCK):
            yield block


class FaultyProxy:
    """Forwards to `upstream_url`, plain http, and breaks what the plan and the seed say.

    `counts` says how often each fault has happened and `log` has every request in order; both know of a request before
    its client hears of it. The same seed and plan break the same requests of a client that sends one after another.
    `without_headers` are left out of every request, as gateways do that do not know them.
    """

    def __init__(
        self, upstream_url: str, faults: Faults | None = None, *, seed: int = 0, without_headers: Collection[str] = ()
    ) -> None:
        upstream = urlsplit(upstream_url)
        self.counts: Counter[str] = Counter()
        self.log: list[Exchanged] = []
        self.closing = threading.Event()
        self.without_headers = [name.lower() for name in without_headers]
        self._upstream = (upstream.hostname or "127.0.0.1", upstream.port or 80)
        self._faults = faults or Faults()
        self._random = Random(seed)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Self:
        self._server = _Server(self._talk)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="faulty proxy")
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        with self._lock:
            self.closing.set()
            for sock in self._open:
                _shut(sock)
        self._server.server_close()  # waits for the threads, which find their connections closed

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def set(self, faults: Faults) -> None:
        """Requests from now on have these faults."""
        with self._lock:
            self._faults = faults

    def draw(self, method: str, path: str) -> tuple[Faults, Fault | None, float]:
        """The plan in force, the fault it has for this request, and a number 0..1 for what else is chance in it."""
        with self._lock:
            faults = self._faults
            if not faults.concern(method, path):
                return faults, None, 0
            drawn, place = self._random.random(), self._random.random()
        for fault, share in faults.shares():
            if drawn < share:
                return faults, fault, place
            drawn -= share
        return faults, None, place

    def record(self, exchanged: Exchanged) -> None:
        with self._lock:
            self.log.append(exchanged)
            if exchanged.fault:
                self.counts[exchanged.fault] += 1

    @contextmanager
    def upstream(self) -> Iterator[Wire]:
        """A connection for one request: one that waits for the next may be closed by the server just then."""
        try:
            sock = socket.create_connection(self._upstream)
        except OSError as error:
            raise UpstreamLostError(f"{self._upstream} cannot be reached") from error
        with closing(Wire(sock, UpstreamLostError)) as wire, self._ends_with_the_proxy(sock):
            yield wire

    @contextmanager
    def _ends_with_the_proxy(self, sock: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open.add(sock)
            if self.closing.is_set():
                _shut(sock)
        try:
            yield
        finally:
            with self._lock:
                self._open.remove(sock)

    def _talk(self, sock: socket.socket) -> None:
        with closing(Wire(sock, ClientLostError)) as client:
            end = End.KEEP
            with self._ends_with_the_proxy(sock):
                while end is End.KEEP:
                    end = self._next_exchange(client)
            if end is End.RESET:
                client.reset_on_close()

    def _next_exchange(self, client: Wire) -> End:
        try:
            head = client.head()
            return Exchange(self, client, head).run() if head else End.CLOSE
        except ClientLostError:
            return End.RESET


class Exchange:
    """One request of a client, and what becomes of it."""

    def __init__(self, proxy: FaultyProxy, client: Wire, head: Head) -> None:
        self.proxy, self.client, self.head = proxy, client, head
        self.method, self.path, _ = head.line.decode("latin-1").split(" ", 2)
        self.faults, self.fault, self.place = proxy.draw(self.method, self.path)
        self.body = client.body(head)
        self.waits = "100-continue" in head.get("expect")  # the client keeps its body back until it is told to go on

    def run(self) -> End:
        try:
            match self.fault:
                case "server_error" | "slow_down":
                    return self.refuse()
                case "reset_in_request" if self.body.size != 0:
                    return self.reset_in_request()
                case _:
                    return self.forward()
        except UpstreamLostError:
            if not self.proxy.closing.is_set():
                self.proxy.record(Exchanged(self.method, self.path, "upstream_lost"))
            return End.RESET

    def record(self, fault: Fault | None) -> None:
        self.proxy.record(Exchanged(self.method, self.path, fault))

    def go_on(self) -> None:
        if self.waits:
            self.client.send(CONTINUE)
            self.waits = False

    def refuse(self) -> End:
        if not self.waits:
            self.body.drain()  # a client that is still sending would not hear the answer
        if self.fault == "slow_down":
            status, kind, text = SERVER_ERRORS[2], b"application/xml", SLOW_DOWN
        else:
            status = SERVER_ERRORS[int(self.place * len(SERVER_ERRORS))]
            kind, text = b"text/html", b"<html><h1>%b</h1></html>" % status
        headers = (b"Content-Type: " + kind, b"Content-Length: %d" % len(text))
        self.record(self.fault)
        return self.answer(Head(b"HTTP/1.1 " + status, headers), Body(iter([text]), len(text)))

    def reset_in_request(self) -> End:
        self.go_on()
        for _ in self.body.first_half():
            pass
        self.record(self.fault)
        return End.RESET

    def forward(self) -> End:
        with self.proxy.upstream() as upstream:
            kept = self.head.without(*HOP_BY_HOP, *self.proxy.without_headers)
            upstream.send(bytes(kept.plus(b"Connection: close")))
            # A server that knows nothing of Expect is silent: clients, too, wait a second and then send all the same.
            if self.waits and not upstream.is_silent(1):
                head = self.answer_head(upstream)
                if head.status != 100:
                    return self.pass_on(upstream, head)
            self.go_on()
            self.send_request_body(upstream)
            while (head := self.answer_head(upstream)).status < 200:
                pass
            return self.pass_on(upstream, head)

    def answer_head(self, upstream: Wire) -> Head:
        head = upstream.head()
        if not head:
            raise UpstreamLostError("no answer")
        return head.without(*HOP_BY_HOP)

    def send_request_body(self, upstream: Wire) -> None:
        body = self.body
        if self.fault == "wrong_request_byte":
            body = body.measured()
            self.fault = self.fault if body.size else None
            body = body.with_wrong_byte(self.place)
        with suppress(UpstreamLostError):  # it may have answered without reading, for example that it refuses
            upstream.send_body(body, chunked=self.head.chunked)
        body.drain()

    def pass_on(self, upstream: Wire, head: Head) -> End:
        """Give the client the server's answer, or what the fault leaves of it."""
        body = self.answer_body(upstream, head)
        if self.fault in ("reset_in_body", "truncated_body", "stall", "wrong_answer_byte") and body.size is None:
            body = body.measured()
            head = head.without("transfer-encoding").plus(b"Content-Length: %d" % (body.size or 0))
        happened = self.fault if self.can_happen(head, body) else None
        self.record(happened)
        match happened:
            case "lost_answer":
                body.drain()
                return End.RESET
            case "reset_in_body" | "truncated_body" | "stall":
                return self.break_off(head, body)
            case "wrong_answer_byte":
                return self.answer(head, body.with_wrong_byte(self.place))
            case _:
                return self.answer(head, body)

    def answer_body(self, upstream: Wire, head: Head) -> Body:
        if self.method == "HEAD" or head.status in (204, 304):
            return Body(iter(()), 0)
        return upstream.body(head, ends_with_connection=True)

    def can_happen(self, head: Head, body: Body) -> bool:
        match self.fault:
            case "reset_in_request":
                return False  # there is no body, or it would not have come here
            case "wrong_request_byte":
                return not self.waits  # else the server answered before the body was sent
            case "reset_in_body" | "truncated_body":
                return body.size != 0
            case "wrong_answer_byte":
                return body.size != 0 and (self.faults.wrong_byte_in_any_answer or self.reads_an_object(head))
            case _:
                return True

    def reads_an_object(self, answer: Head) -> bool:
        url = urlsplit(self.path)
        parameters = (name.lower() for name, _ in parse_qsl(url.query, keep_blank_values=True))
        return (
            self.method == "GET"
            and answer.status in (200, 206)
            and bool(url.path.strip("/").partition("/")[2])
            and all(name.startswith(OBJECT_PARAMETERS) for name in parameters)
        )

    def break_off(self, head: Head, body: Body) -> End:
        raw = bytes(_as_http_1_1(head))
        self.client.send(raw if body.size else raw[: len(raw) // 2])
        for block in body.first_half():
            self.client.send(block)
        body.drain()  # else the server would stand there with an answer that nobody reads
        if self.fault == "stall":
            self.proxy.closing.wait(self.faults.stall_seconds)
        return End.RESET if self.fault == "reset_in_body" else End.CLOSE

    def answer(self, head: Head, body: Body) -> End:
        # A client that was not told to go on may still send its body: nothing that it says next could be understood.
        closes = self.waits or "close" in self.head.get("connection")
        head = _as_http_1_1(head)
        if body.size is None and not head.chunked:
            head = head.plus(CHUNKED)
        self.client.send(bytes(head.plus(b"Connection: close") if closes else head))
        if self.method != "HEAD":
            self.client.send_body(body, chunked=body.size is None)
        return End.CLOSE if closes else End.KEEP


def _as_http_1_1(answer: Head) -> Head:
    """A server that speaks HTTP/1.0 would have clients close our connection."""
    return replace(answer, line=b"HTTP/1.1" + answer.line[8:])


def _shut(sock: socket.socket) -> None:
    """Wake a thread that reads from or writes to the socket; closing would not."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


class _Server(socketserver.ThreadingTCPServer):
    """A thread a connection, each of which is waited for in the end."""

    request_queue_size = 128

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self._talk = talk

    def finish_request(self, request: object, client_address: object) -> None:  # noqa: ARG002 -- the base's signature
        assert isinstance(request, socket.socket)
        self._talk(request)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 -- the base's signature
        """A mistake of the proxy itself reaches pytest, rather than stderr."""
        raise  # noqa: PLE0704 -- it is called where the error is handled
