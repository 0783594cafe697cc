import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError, ReadTimeoutError
from moto.server import ThreadedMotoServer

from tests.faulty_proxy import Faults, FaultyProxy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

DATA = bytes(range(256)) * 40  # odd enough that a byte in a wrong place shows

SIGNED = "Authorization: AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request"  # moto asks for no more


class Heard(NamedTuple):
    """What a client got over the wire, and whether a reset ended it."""

    head: bytes
    body: bytes
    reset: bool


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
    assert server._server
    server._server.server_close()  # stop() leaves the socket open, which is a warning


@pytest.fixture(scope="module")
def bucket(moto: str) -> str:
    """A bucket with an object `data`; of its own, as all moto servers of a process have the same buckets."""
    name = f"proxy-{uuid4().hex}"
    with s3(moto) as client:
        client.create_bucket(Bucket=name)
        client.put_object(Bucket=name, Key="data", Body=DATA)
    return name


@contextmanager
def s3(url: str) -> Iterator["S3Client"]:
    """A client that tries once, so that it meets each fault."""
    config = Config(
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"total_max_attempts": 1},
        read_timeout=1,
        s3={"addressing_style": "path"},
    )
    client = boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id="any",
        aws_secret_access_key="any",  # noqa: S106 -- moto takes any
        region_name="us-east-1",
        config=config,
    )
    with closing(client):
        yield client


def connect(url: str) -> socket.socket:
    address = urlsplit(url)
    return socket.create_connection((str(address.hostname), address.port or 80), timeout=5)


def listen(sock: socket.socket) -> Heard:
    """Everything until the connection ends."""
    heard, reset = b"", False
    try:
        while block := sock.recv(65536):
            heard += block
    except ConnectionResetError:
        reset = True
    head, _, body = heard.partition(b"\r\n\r\n")
    return Heard(head, body, reset)


def ask(url: str, request: str, body: bytes = b"") -> Heard:
    """One request, on the wire; `request` is its first line and further headers."""
    line, *headers = request.split("\n")
    if body:
        headers.append(f"Content-Length: {len(body)}")
    lines = [f"{line} HTTP/1.1", f"Host: {urlsplit(url).netloc}", "Connection: close", SIGNED, *headers, "", ""]
    with connect(url) as sock:
        sock.sendall("\r\n".join(lines).encode() + body)
        return listen(sock)


@contextmanager
def canned(answer: bytes, *, waits_for: bytes = b"\r\n\r\n") -> Iterator[tuple[str, list[bytes]]]:
    """A server that hears one request up to `waits_for`, says `answer` and closes; its address, and what it heard."""
    heard: list[bytes] = []

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            request = b""
            while waits_for not in request:
                request += sock.recv(65536)
            heard.append(request)
            sock.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
        thread.join()


def read_whole(client: "S3Client", bucket: str, key: str = "data") -> bytes:
    return client.get_object(Bucket=bucket, Key=key)["Body"].read()


def read_part(client: "S3Client", bucket: str, key: str, part: str) -> bytes:
    return client.get_object(Bucket=bucket, Key=key, Range=part)["Body"].read()


def test_without_faults_objects_pass_unchanged(moto: str, bucket: str) -> None:
    with FaultyProxy(moto) as proxy, s3(proxy.url) as client, s3(moto) as direct:
        client.put_object(Bucket=bucket, Key="pass/bytes", Body=DATA, Metadata={"who": "me"})
        client.put_object(Bucket=bucket, Key="pass/file", Body=BytesIO(DATA))
        client.put_object(Bucket=bucket, Key="pass/empty", Body=b"")
        for side in (client, direct):
            assert read_whole(side, bucket, "pass/bytes") == read_whole(side, bucket, "pass/file") == DATA
            assert read_part(side, bucket, "pass/file", "bytes=100-299") == DATA[100:300]
            assert read_whole(side, bucket, "pass/empty") == b""
            assert [found["Key"] for found in side.list_objects_v2(Bucket=bucket, Prefix="pass/")["Contents"]] == [
                "pass/bytes",
                "pass/empty",
                "pass/file",
            ]
            head = side.head_object(Bucket=bucket, Key="pass/bytes")
            assert (head["ContentLength"], head["Metadata"]) == (len(DATA), {"who": "me"})
        client.delete_object(Bucket=bucket, Key="pass/file")
        for side in (client, direct):
            with pytest.raises(side.exceptions.NoSuchKey):
                read_whole(side, bucket, "pass/file")
        assert not proxy.counts
        assert {fault for _, _, fault in proxy.log} == {None}


def test_without_faults_a_multipart_upload_passes(moto: str, bucket: str) -> None:
    parts = [b"a" * 5 * 2**20, b"b" * 2**20]
    where: dict[str, Any] = {"Bucket": bucket, "Key": "multipart"}
    with FaultyProxy(moto) as proxy, s3(proxy.url) as client:
        where["UploadId"] = client.create_multipart_upload(**where)["UploadId"]
        parts_made: list[CompletedPartTypeDef] = []
        for number, part in enumerate(parts, start=1):
            tag = client.upload_part(**where, PartNumber=number, Body=BytesIO(part))["ETag"]
            parts_made.append({"PartNumber": number, "ETag": tag})
        client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts_made})
        assert read_whole(client, bucket, "multipart") == b"".join(parts)
        assert [method for method, _, _ in proxy.log] == ["POST", "PUT", "PUT", "POST", "GET"]


def test_without_faults_a_second_creation_is_refused(moto: str, bucket: str) -> None:
    with FaultyProxy(moto) as proxy, s3(proxy.url) as client:
        for body in (DATA, BytesIO(DATA)):
            with pytest.raises(ClientError) as refused:
                client.put_object(Bucket=bucket, Key="data", Body=body, IfNoneMatch="*")
            assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
        assert read_whole(client, bucket) == DATA


def test_body_with_checksum_trailer_in_chunks_passes(moto: str, bucket: str) -> None:
    with FaultyProxy(moto) as proxy, s3(proxy.url) as client:
        client.put_object(Bucket=bucket, Key="chunks", Body=BytesIO(DATA), ChecksumAlgorithm="SHA256")
        found = client.get_object(Bucket=bucket, Key="chunks", ChecksumMode="ENABLED")
        assert found["ChecksumSHA256"]
        assert found["Body"].read() == DATA


def test_twenty_threads_at_once_pass(moto: str, bucket: str) -> None:
    with FaultyProxy(moto) as proxy, s3(proxy.url) as client, ThreadPoolExecutor(20) as pool:

        def there_and_back(number: int) -> bool:
            content = b"%d " % number * 20_000
            client.put_object(Bucket=bucket, Key=f"threads/{number}", Body=BytesIO(content))
            return read_whole(client, bucket, f"threads/{number}") == content

        assert all(pool.map(there_and_back, range(60)))
        assert (len(proxy.log), proxy.counts) == (120, {})


def test_many_requests_pass_over_one_connection(moto: str, bucket: str) -> None:
    request = f"GET /{bucket}/data HTTP/1.1\r\nHost: 127.0.0.1\r\n{SIGNED}\r\n\r\n".encode()
    with FaultyProxy(moto) as proxy, connect(proxy.url) as sock:
        for _ in range(3):
            sock.sendall(request)
            heard = b""
            while not heard.endswith(DATA):
                heard += sock.recv(65536)
            assert heard.startswith(b"HTTP/1.1 200 OK\r\n")


def test_long_bodies_pass_quickly(moto: str, bucket: str) -> None:
    content = bytes(100 * 2**20)
    with FaultyProxy(moto) as proxy, s3(proxy.url) as client:
        client.put_object(Bucket=bucket, Key="long", Body=BytesIO(content))
        start = time.monotonic()
        assert read_whole(client, bucket, "long") == content
        assert time.monotonic() - start < 5
        client.delete_object(Bucket=bucket, Key="long")


def test_request_is_forwarded_as_it_was_signed() -> None:
    with canned(b"HTTP/1.1 204 No Content\r\n\r\n", waits_for=b"body") as (url, heard), FaultyProxy(url) as proxy:
        proxy_url = proxy.url
        answer = ask(proxy.url, "PUT //b/k%20y?x=%2F&y\nX-Amz-Meta-a:  two  spaces", b"body")
    assert answer.head.startswith(b"HTTP/1.1 204 No Content")
    line, *headers = heard[0].split(b"\r\n")
    assert line == b"PUT //b/k%20y?x=%2F&y HTTP/1.1"
    assert {
        f"Host: {urlsplit(proxy_url).netloc}".encode(),
        b"X-Amz-Meta-a:  two  spaces",
        SIGNED.encode(),
    } < set(headers)


def test_body_in_chunks_passes_both_ways() -> None:
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with (
        canned(said, waits_for=b"\r\n0\r\n\r\n") as (url, heard),
        FaultyProxy(url) as proxy,
        connect(proxy.url) as sock,
    ):
        sock.sendall(b"PUT /b/k HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        sock.sendall(b"4;x=y\r\nabcd\r\n1\r\ne\r\n0\r\n\r\n")
        answer = listen(sock)
    assert heard[0].endswith(b"4\r\nabcd\r\n1\r\ne\r\n0\r\n\r\n")
    assert answer.body == b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"


def test_answer_that_ends_with_its_connection_is_passed_in_chunks() -> None:
    with canned(b"HTTP/1.0 200 OK\r\n\r\nabc") as (url, _), FaultyProxy(url) as proxy:
        answer = ask(proxy.url, "GET /b/k")
    assert answer.head.startswith(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked")
    assert answer.body == b"3\r\nabc\r\n0\r\n\r\n"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified", "412 Precondition Failed"])
def test_answer_without_a_body_passes(status: str) -> None:
    said = f"HTTP/1.1 {status}\r\nETag: x\r\n" + ("Content-Length: 0\r\n" if "412" in status else "") + "\r\n"
    with canned(said.encode()) as (url, _), FaultyProxy(url) as proxy:
        assert ask(proxy.url, "GET /b/k")[1:] == (b"", False)


def test_client_is_told_to_go_on_when_the_server_says_so() -> None:
    said = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with canned(said) as (url, _), FaultyProxy(url) as proxy, connect(proxy.url) as sock:
        sock.sendall(b"PUT /b/k HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"body")
        assert sock.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")


def test_client_that_waits_to_go_on_hears_a_refusal_instead() -> None:
    said = b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 2\r\n\r\nno"
    faults = Faults(wrong_request_byte=1)
    with canned(said) as (url, _), FaultyProxy(url, faults) as proxy:
        answer = ask(proxy.url, "PUT /b/k\nExpect: 100-continue\nContent-Length: 4")
        assert (answer.head[:12], answer.body) == (b"HTTP/1.1 412", b"no")
        assert not proxy.counts, "no body, no wrong byte in it"


def test_client_that_waits_goes_on_where_the_server_knows_nothing_of_it(bucket: str) -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with canned(said, waits_for=DATA) as (url, _), FaultyProxy(url) as proxy, s3(proxy.url) as client:
        client.put_object(Bucket=bucket, Key="k", Body=BytesIO(DATA))


def test_server_that_is_lost_is_told_apart_from_faults() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    with FaultyProxy(url) as proxy:
        assert ask(proxy.url, "GET /b/k") == Heard(b"", b"", reset=True)
        assert proxy.log == [("GET", "/b/k", "upstream_lost")]
        assert proxy.counts == {"upstream_lost": 1}


def test_server_error_is_of_three_kinds_and_not_forwarded(moto: str, bucket: str) -> None:
    with FaultyProxy(moto, Faults(server_error=1), seed=1) as proxy, s3(proxy.url) as client, s3(moto) as direct:
        statuses = set()
        for _ in range(20):
            with pytest.raises(ClientError) as refused:
                client.put_object(Bucket=bucket, Key="refused", Body=BytesIO(DATA))
            statuses.add(refused.value.response["ResponseMetadata"]["HTTPStatusCode"])
        assert statuses == {500, 502, 503}
        assert proxy.counts == {"server_error": 20}
        with pytest.raises(direct.exceptions.NoSuchKey):
            read_whole(direct, bucket, "refused")


@pytest.mark.parametrize("body", [DATA, BytesIO(DATA), b""], ids=["sent at once", "waits to go on", "empty"])
def test_slow_down_is_what_s3_says(moto: str, bucket: str, body: bytes | BytesIO) -> None:
    with FaultyProxy(moto, Faults(slow_down=1)) as proxy, s3(proxy.url) as client, s3(moto) as direct:
        with pytest.raises(ClientError, match=r"\(SlowDown\).*reduce your request rate"):
            client.put_object(Bucket=bucket, Key="refused", Body=body)
        with pytest.raises(ClientError, match="503"):
            client.head_object(Bucket=bucket, Key="data")
        assert proxy.counts == {"slow_down": 2}
        with pytest.raises(direct.exceptions.NoSuchKey):
            read_whole(direct, bucket, "refused")


def test_request_whose_answer_is_lost_is_carried_out(moto: str, bucket: str) -> None:
    with FaultyProxy(moto, Faults(lost_answer=1)) as proxy, s3(proxy.url) as client, s3(moto) as direct:
        with pytest.raises(HTTPClientError, match="Connection was closed"):
            client.put_object(Bucket=bucket, Key="lost", Body=DATA, IfNoneMatch="*")
        assert read_whole(direct, bucket, "lost") == DATA
        assert ask(proxy.url, f"GET /{bucket}/data") == Heard(b"", b"", reset=True)
        assert proxy.counts == {"lost_answer": 2}


@pytest.mark.parametrize("size", [1, 1000, 30 * 2**20])
def test_reset_in_request_forwards_nothing(moto: str, bucket: str, size: int) -> None:
    with FaultyProxy(moto, Faults(reset_in_request=1)) as proxy, s3(proxy.url) as client, s3(moto) as direct:
        for body in (bytes(size), BytesIO(bytes(size))):
            with pytest.raises(HTTPClientError):
                client.put_object(Bucket=bucket, Key="reset", Body=body)
        assert proxy.counts == {"reset_in_request": 2}
        with pytest.raises(direct.exceptions.NoSuchKey):
            read_whole(direct, bucket, "reset")
        assert read_whole(client, bucket) == DATA, "a request without a body cannot have this fault"
        assert proxy.log[-1] == ("GET", f"/{bucket}/data", None)


def test_reset_in_body_leaves_half_of_it(moto: str, bucket: str) -> None:
    with FaultyProxy(moto, Faults(reset_in_body=1)) as proxy, s3(proxy.url) as client:
        heard = ask(proxy.url, f"GET /{bucket}/data")
        assert (heard.body, heard.reset) == (DATA[: len(DATA) // 2], True)
        body = client.get_object(Bucket=bucket, Key="data")["Body"]
        with closing(body), pytest.raises(HTTPClientError):
            body.read()
        assert proxy.counts == {"reset_in_body": 2}


def test_truncated_body_promises_all_and_ends_in_the_middle(moto: str, bucket: str) -> None:
    with FaultyProxy(moto, Faults(truncated_body=1)) as proxy, s3(proxy.url) as client:
        heard = ask(proxy.url, f"GET /{bucket}/data")
        assert (heard.body, heard.reset) == (DATA[: len(DATA) // 2], False)
        assert re.search(rb"(?i)content-length: %d\r" % len(DATA), heard.head)
        body = client.get_object(Bucket=bucket, Key="data")["Body"]
        with closing(body), pytest.raises((IncompleteReadError, HTTPClientError)):
            body.read()
        with pytest.raises(
            ClientError, match="500"
        ):  # botocore reads XML to any end, and calls it this if it is broken
            client.list_objects_v2(Bucket=bucket)
        assert proxy.counts == {"truncated_body": 3}


def test_body_without_a_length_is_truncated_in_the_middle_too() -> None:
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"
    with canned(said) as (url, _), FaultyProxy(url, Faults(truncated_body=1)) as proxy:
        answer = ask(proxy.url, "GET /b/k")
    assert (answer.head, answer.body) == (b"HTTP/1.1 200 OK\r\nContent-Length: 6", b"abc")


@pytest.mark.parametrize("faults", [Faults(reset_in_body=1), Faults(truncated_body=1), Faults(wrong_answer_byte=1)])
def test_answer_without_a_body_has_no_fault_in_it(moto: str, bucket: str, faults: Faults) -> None:
    with FaultyProxy(moto, faults) as proxy, s3(proxy.url) as client:
        client.head_object(Bucket=bucket, Key="data")
        client.delete_object(Bucket=bucket, Key="nothing")
        assert proxy.log == [("HEAD", f"/{bucket}/data", None), ("DELETE", f"/{bucket}/nothing", None)]
        assert not proxy.counts


def test_stall_is_longer_than_the_client_waits(moto: str, bucket: str) -> None:
    with FaultyProxy(moto, Faults(stall=1, stall_seconds=60)) as proxy, s3(proxy.url) as client:
        body = client.get_object(Bucket=bucket, Key="data")["Body"]
        with closing(body), pytest.raises(ReadTimeoutError):
            body.read()
        with pytest.raises(HTTPClientError, match="timeout"):
            client.delete_object(Bucket=bucket, Key="nothing")
        assert proxy.counts == {"stall": 2}


def test_stall_gives_half_and_ends_orderly(moto: str, bucket: str) -> None:
    with FaultyProxy(moto, Faults(stall=1, stall_seconds=0.3)) as proxy:
        start = time.monotonic()
        heard = ask(proxy.url, f"GET /{bucket}/data")
        assert time.monotonic() - start >= 0.3
        assert (heard.body, heard.reset) == (DATA[: len(DATA) // 2], False)


def test_wrong_answer_byte_is_one_bit_of_an_object_that_is_read(moto: str, bucket: str) -> None:
    with FaultyProxy(moto, Faults(wrong_answer_byte=1)) as proxy, s3(proxy.url) as client:
        assert [a ^ b for a, b in zip(read_whole(client, bucket), DATA, strict=True) if a != b] == [1]
        assert read_part(client, bucket, "data", "bytes=0-0") == bytes([DATA[0] ^ 1])
        assert proxy.counts == {"wrong_answer_byte": 2}


def test_wrong_answer_byte_is_never_in_lists_or_errors(moto: str, bucket: str) -> None:
    with FaultyProxy(moto, Faults(wrong_answer_byte=1)) as proxy, s3(proxy.url) as client:
        client.list_objects_v2(Bucket=bucket)
        client.list_buckets()
        client.get_object_tagging(Bucket=bucket, Key="data")
        with pytest.raises(client.exceptions.NoSuchKey):
            read_whole(client, bucket, "nothing")
        assert not proxy.counts


def test_wrong_answer_byte_is_in_lists_if_asked_for(moto: str, bucket: str) -> None:
    question = f"GET /{bucket}?list-type=2&prefix=data"
    faults = Faults(wrong_answer_byte=1, wrong_byte_in_any_answer=True)
    with FaultyProxy(moto, faults) as proxy:
        wrong, right = (ask(url, question).body for url in (proxy.url, moto))
    assert len([1 for a, b in zip(wrong, right, strict=True) if a != b]) == 1


@pytest.mark.parametrize("body", [DATA, BytesIO(DATA)], ids=["sent at once", "waits to go on"])
def test_wrong_request_byte_is_stored(moto: str, bucket: str, body: bytes | BytesIO) -> None:
    with FaultyProxy(moto, Faults(wrong_request_byte=1)) as proxy, s3(proxy.url) as client:
        client.put_object(Bucket=bucket, Key="wrong", Body=body)
        stored = read_whole(client, bucket, "wrong")
        assert [a ^ b for a, b in zip(stored, DATA, strict=True) if a != b] == [1]
        client.put_object(Bucket=bucket, Key="empty", Body=b"")
        assert proxy.counts == {"wrong_request_byte": 1}


def test_wrong_request_byte_is_in_chunks_too() -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    faults = Faults(wrong_request_byte=1)
    with canned(said, waits_for=b"0\r\n\r\n") as (url, heard), FaultyProxy(url, faults) as proxy:
        chunks = b"1\r\na\r\n1\r\na\r\n0\r\n\r\n"
        with connect(proxy.url) as sock:
            sock.sendall(b"PUT /b/k HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks)
            listen(sock)
    assert heard[0].endswith((b"2\r\n`a\r\n0\r\n\r\n", b"2\r\na`\r\n0\r\n\r\n"))


def some_requests(proxy: FaultyProxy, bucket: str) -> list[Any]:
    for number in range(60):
        ask(proxy.url, f"PUT /{bucket}/seeded-{number}", DATA)
        ask(proxy.url, f"GET /{bucket}/seeded-{number}")
    return proxy.log


def test_same_seed_has_the_same_faults_in_order(moto: str, bucket: str) -> None:
    faults = Faults(0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, stall_seconds=0)
    logs = []
    for seed in (1, 1, 2):
        with FaultyProxy(moto, faults, seed=seed) as proxy:
            logs.append(some_requests(proxy, bucket))
    assert logs[0] == logs[1] != logs[2]
    assert {fault for _, _, fault in logs[0]} == {None, *(fault for fault, _ in faults.shares())}


def test_fault_hits_its_share(moto: str, bucket: str) -> None:
    with FaultyProxy(moto, Faults(slow_down=0.25, server_error=0.25)) as proxy:
        some_requests(proxy, bucket)
        assert 15 < proxy.counts["slow_down"] < 45
        assert 15 < proxy.counts["server_error"] < 45
        assert sum(proxy.counts.values()) == len([1 for _, _, fault in proxy.log if fault]) < len(proxy.log) == 120


def test_only_some_requests_have_faults_if_so_asked(moto: str, bucket: str) -> None:
    with FaultyProxy(moto, Faults(slow_down=1, only={"HEAD", "DELETE"})) as proxy, s3(proxy.url) as client:
        read_whole(client, bucket)
        with pytest.raises(ClientError, match="503"):
            client.head_object(Bucket=bucket, Key="data")
        proxy.set(Faults(slow_down=1, only=lambda method, path: method == "GET" and path.endswith("/data")))
        client.head_object(Bucket=bucket, Key="data")
        with pytest.raises(ClientError, match="SlowDown"):
            read_whole(client, bucket)
        assert proxy.counts == {"slow_down": 2}


def test_plan_is_changed_while_it_runs(moto: str, bucket: str) -> None:
    with FaultyProxy(moto) as proxy, s3(proxy.url) as client:
        read_whole(client, bucket)
        proxy.set(Faults(slow_down=1))
        with pytest.raises(ClientError, match="SlowDown"):
            read_whole(client, bucket)
        proxy.set(Faults())
        read_whole(client, bucket)
        assert [fault for _, _, fault in proxy.log] == [None, "slow_down", None]


@pytest.mark.parametrize("faults", [{"stall": 0.6, "slow_down": 0.5}, {"stall": -0.1}])
def test_shares_that_are_none_are_an_error(faults: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="none may be below 0, nor their sum above 1"):
        Faults(**faults)  # type: ignore[arg-type]


def test_proxy_ends_at_once_and_leaves_no_thread(moto: str, bucket: str, capfd: pytest.CaptureFixture[str]) -> None:
    before = set(threading.enumerate())
    faults = Faults(stall=1, stall_seconds=60, only={"GET"})
    with FaultyProxy(moto, faults) as proxy, connect(proxy.url) as idle, connect(proxy.url) as sending:
        sending.sendall(b"PUT /b/k HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
        with connect(proxy.url) as stalled:
            stalled.sendall(f"GET /{bucket}/data HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            stalled.recv(1)
        start = time.monotonic()
        proxy.__exit__(None, None, None)
        assert time.monotonic() - start < 1
        assert idle.recv(1) == b""
        assert {thread for thread in set(threading.enumerate()) - before if "faulty" in thread.name} == set()
    assert capfd.readouterr() == ("", "")
