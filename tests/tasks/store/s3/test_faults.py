"""A network that errs: every transfer completes or ends in a clear error, and nobody ever sees a wrong byte."""

import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tasks.errors import AlreadyExistsError, CorruptFileError, StoreError
from tasks.store import open_backend
from tasks.store.s3 import ask, settings
from tests.faulty_proxy import Faults, FaultyProxy
from tests.s3_server import REAL_SERVER, S3Server
from tests.tasks.store.s3.conftest import Files, Open

SHARE = 0.1


def is_right(paths: dict[str, Path], files: Files) -> bool:
    return all(paths[name].read_bytes() == (files.folder / name).read_bytes() for name in files.entries)


@pytest.mark.parametrize(
    "fault",
    ["server_error", "slow_down", "lost_answer", "reset_in_request", "stall", "wrong_request_byte"],
)
def test_upload_completes_although_every_tenth_request_fails(
    proxy: FaultyProxy, s3_server: S3Server, open_at: Open, many: Files, fault: str
) -> None:
    proxy.set(Faults(**{fault: SHARE}, stall_seconds=1.5))
    open_at(proxy.url).upload(many.folder, "a", many.entries)
    assert proxy.counts[fault]
    assert is_right(open_at(s3_server.url).download("a", many.entries), many)


@pytest.mark.parametrize(
    "fault",
    ["server_error", "slow_down", "lost_answer", "reset_in_body", "truncated_body", "stall", "wrong_answer_byte"],
)
def test_download_completes_although_every_tenth_request_fails(
    proxy: FaultyProxy, s3_server: S3Server, open_at: Open, many: Files, fault: str
) -> None:
    open_at(s3_server.url).upload(many.folder, "a", many.entries)
    proxy.set(Faults(**{fault: SHARE}, stall_seconds=1.5))
    paths = open_at(proxy.url).download("a", many.entries)
    assert proxy.counts[fault]
    assert is_right(paths, many)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("seed", range(3))
def test_whatever_fails_nobody_sees_a_wrong_byte_and_trying_again_ends_well(
    s3_server: S3Server, open_at: Open, many: Files, seed: int
) -> None:
    half = {name: entry for name, entry in many.entries.items() if name.endswith(("1", "2", "large"))}
    mixed = Faults(
        server_error=0.03,
        slow_down=0.03,
        lost_answer=0.03,
        reset_in_request=0.03,
        reset_in_body=0.03,
        truncated_body=0.03,
        stall=0.02,
        wrong_answer_byte=0.03,
        wrong_request_byte=0.03,
        stall_seconds=1.5,
    )
    with FaultyProxy(s3_server.url, mixed, seed=seed) as proxy:
        for _ in range(20):
            try:
                open_at(proxy.url).upload(many.folder, "a", half)
                paths = open_at(proxy.url).download("a", half)
            except StoreError:
                continue
            break
        else:
            pytest.fail("twenty tries were not enough")
    assert all(paths[name].read_bytes() == (many.folder / name).read_bytes() for name in half)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("faults", "error", "told"),
    [
        (Faults(wrong_answer_byte=1), CorruptFileError, "is damaged: its bytes are not those that its manifest names"),
        (Faults(truncated_body=1), StoreError, "the connection broke .* uploads go on where they stopped"),
        (Faults(reset_in_body=1), StoreError, "the connection broke"),
        (Faults(server_error=1, only=["GET"]), StoreError, r"the server refuses \(50"),
        (Faults(slow_down=1, only=["GET"]), StoreError, r"the server refuses \(SlowDown"),
    ],
    ids=["wrong bytes", "truncated", "reset", "server error", "slow down"],
)
def test_fault_that_does_not_go_away_ends_in_a_clear_error(
    proxy: FaultyProxy,
    s3_server: S3Server,
    open_at: Open,
    many: Files,
    faults: Faults,
    error: type[StoreError],
    told: str,
) -> None:
    one = {"small-1": many.entries["small-1"]}
    open_at(s3_server.url).upload(many.folder, "a", one)
    proxy.set(faults)
    with pytest.raises(error, match=told):
        open_at(proxy.url).download("a", one)


@pytest.mark.usefixtures("impatient")
def test_server_that_is_not_there_is_a_clear_error(open_at: Open) -> None:
    with pytest.raises(StoreError, match=r"the server cannot be reached .* Check FOLDLINE_S3_ENDPOINT"):
        open_at("http://127.0.0.1:9").read("a")


def test_manifest_is_never_read_wrongly(proxy: FaultyProxy, s3_server: S3Server, open_at: Open) -> None:
    content = b'{"score": 0.498}'
    open_at(s3_server.url).create("a.json", content)
    proxy.set(Faults(wrong_answer_byte=0.4))
    reader = open_at(proxy.url)
    seen = []
    for _ in range(60):
        try:
            seen.append(reader.read("a.json"))
        except CorruptFileError:
            continue
    assert proxy.counts["wrong_answer_byte"] > 5
    assert set(seen) == {content}


def test_writer_whose_answer_was_lost_knows_that_it_won(proxy: FaultyProxy, s3_server: S3Server, open_at: Open) -> None:
    writer = open_at(proxy.url)
    writer.create("first", b"")  # the probe is done
    proxy.set(Faults(lost_answer=0.3, only=["PUT"]))
    for number in range(8):
        writer.create(f"refs/{number}", b"ours")
    assert proxy.counts["lost_answer"]
    with pytest.raises(AlreadyExistsError):
        writer.create("refs/0", b"theirs")
    assert open_at(s3_server.url).read("refs/0") == b"ours"


def test_created_object_is_right_although_bytes_arrive_wrongly(
    proxy: FaultyProxy, s3_server: S3Server, open_at: Open
) -> None:
    writer = open_at(proxy.url)
    writer.create("first", b"")
    proxy.set(Faults(wrong_request_byte=0.15, only=["PUT"]))
    for number in range(20):
        writer.create(f"refs/{number}", b"ours")
    assert proxy.counts["wrong_request_byte"]
    reader = open_at(s3_server.url)
    assert {reader.read(f"refs/{number}") for number in range(20)} == {b"ours"}


@pytest.mark.skipif(bool(REAL_SERVER), reason="a real server checks the signature, which covers the header")
def test_server_that_ignores_the_condition_is_refused(s3_server: S3Server, open_at: Open) -> None:
    with FaultyProxy(s3_server.url, without_headers=["If-None-Match"]) as proxy:
        writer = open_at(proxy.url)
        for _ in range(2):
            with pytest.raises(
                StoreError, match=r"ignores If-None-Match: .* a gateway in front of it pass that header"
            ):
                writer.create("runs/a/start.json", b"{}")
    assert [found.key for found in open_at(s3_server.url).list("")] == []


@pytest.mark.skipif(not REAL_SERVER, reason="moto keeps to conditions in versioned buckets too")
def test_bucket_whose_versioning_breaks_conditions_is_refused(s3_server: S3Server, open_at: Open, bucket: str) -> None:
    s3_server.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    with pytest.raises(StoreError, match=r"ignores If-None-Match: .* Turn the bucket's versioning off"):
        open_at(s3_server.url).check()


def test_upload_of_a_killed_process_goes_on_with_the_parts_that_are_missing(
    proxy: FaultyProxy, s3_server: S3Server, open_at: Open, many: Files, bucket: str, tmp_path: Path
) -> None:
    def is_late_part(_: str, path: str) -> bool:
        return any(f"partNumber={number}&" in f"{path}&" for number in (3, 4, 5))

    proxy.set(Faults(stall=1, stall_seconds=60, only=is_late_part))
    script = """
import sys
from pathlib import Path
from tasks.store import open_backend
from tasks.store.manifest import describe_file
folder = Path(sys.argv[2])
open_backend(sys.argv[1]).upload(folder, "a", {"large": describe_file(folder / "large")})
"""
    environment = s3_server.environment | {"FOLDLINE_S3_ENDPOINT": proxy.url, "FOLDLINE_HOME": str(tmp_path / "other")}
    command = [sys.executable, "-c", script, f"s3://{bucket}/store", str(many.folder)]
    with subprocess.Popen(command, env=environment) as process:
        while len(sent_parts(proxy)) < 5:
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    assert list(open_at(s3_server.url).list("")) == []

    proxy.set(Faults())
    before = len(sent_parts(proxy))
    again = open_at(proxy.url)
    again.upload(many.folder, "a", {"large": many.entries["large"]})
    assert len(sent_parts(proxy)) - before <= 3
    assert again.describe("a/large") == many.entries["large"]


@pytest.mark.skipif(not REAL_SERVER, reason="moto breaks when two go on with one upload")
def test_two_processes_may_upload_the_same_large_file_at_once(s3_server: S3Server, bucket: str, many: Files) -> None:
    script = """
import os, sys
from pathlib import Path
from tasks.store import open_backend
from tasks.store.manifest import describe_file
folder = Path(sys.argv[2])
for number in range(4):
    os.environ["FOLDLINE_CACHE"] = f"{sys.argv[3]}/{number}"
    open_backend(sys.argv[1]).upload(folder, f"steps/{number}", {"large": describe_file(folder / "large")})
"""
    with TemporaryDirectory() as caches:
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", script, f"s3://{bucket}/store", str(many.folder), f"{caches}/{racer}"],
                env=os.environ | s3_server.environment,
            )
            for racer in range(2)
        ]
        assert [racer.wait(120) for racer in racers] == [0, 0]
    backend = open_backend(f"s3://{bucket}/store")
    assert {backend.describe(f"steps/{number}/large") for number in range(4)} == {many.entries["large"]}


def test_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch, open_at: Open) -> None:
    monkeypatch.setattr(settings, "ATTEMPTS", 2)
    monkeypatch.setattr(ask, "PATIENCE", 1.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(StoreError, match=r"the connection broke \(Read timeout"):
            list(open_at(f"http://127.0.0.1:{silent.getsockname()[1]}").list("runs/"))
    assert time.monotonic() - began < 10


def sent_parts(proxy: FaultyProxy) -> list[str]:
    return [exchanged.path for exchanged in proxy.log if exchanged.method == "PUT" and "partNumber=" in exchanged.path]


def test_files_that_have_arrived_are_not_sent_again(proxy: FaultyProxy, open_at: Open, many: Files) -> None:
    backend = open_at(proxy.url)
    backend.upload(many.folder, "a", many.entries)
    proxy.log.clear()
    backend.upload(many.folder, "a", many.entries)
    assert {exchanged.method for exchanged in proxy.log} == {"GET"}
    assert len(proxy.log) <= 2


def test_abandoned_uploads_are_dropped(s3_server: S3Server, open_at: Open, bucket: str) -> None:
    for key in ("store/steps/a/large", "store/checkpoints/a/large", "store/large-of-others", "other/large"):
        s3_server.client.create_multipart_upload(Bucket=bucket, Key=key)
    backend = open_at(s3_server.url)
    assert backend.drop_unfinished(datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert backend.drop_unfinished(datetime.now(UTC) + timedelta(hours=1)) == 2
    left = s3_server.client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    assert {upload["Key"] for upload in left} == {"other/large", "store/large-of-others"}
