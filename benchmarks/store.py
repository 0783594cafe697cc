"""The store over S3: 500 files of 48 KB and one of 200 MB, put and got, against boto3 used plainly and obstore.

    infra/radosgw.sh start && eval "$(infra/radosgw.sh env)"
    .venv/bin/python benchmarks/store.py [--quick]

All use the server that AWS_ENDPOINT_URL_S3 names, one after another, each round in a process of its own; a figure is
the best time of the other over our best. Prints a line a figure, `name value goal ok|short`; exits 1 if one is short.
What boto3 and obstore do not do is in our time: digests, the check of what has arrived, the local cache.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SMALL, SMALL_SIZE = 500, 48_000
LARGE_SIZE, QUICK_LARGE_SIZE = 200_000_000, 50_000_000
ROUNDS, QUICK_ROUNDS = 5, 2
THREADS = 16
GOAL = 0.9
MEMORY_GOAL = 150
"""Megabytes of a process that puts and gets all, at its peak."""

Times = dict[str, float]
"""Seconds by what was done, such as ``put_small``; and under ``memory`` the peak of the process, MB."""


class Files:
    """The files that all contenders send, and a place for what they get."""

    def __init__(self, folder: Path) -> None:
        self.small = folder / "small"
        self.large = folder / "large"
        self.got = folder / "got"

    def draw(self, large_size: int) -> None:
        """Write them."""
        self.small.mkdir()
        self.large.mkdir()
        for number in range(SMALL):
            (self.small / f"{number}.bin").write_bytes(os.urandom(SMALL_SIZE))
        (self.large / "large.bin").write_bytes(os.urandom(large_size))


def ours(files: Files, bucket: str) -> Times:
    """Foldline's own store."""
    from tasks.store.cache import Cache
    from tasks.store.s3.backend import S3Backend
    from tasks.store.s3.settings import S3Settings, connect
    from tasks.store.verify import describe_files

    client = connect(S3Settings.from_environment())
    sender = S3Backend(client, bucket, uuid.uuid4().hex, Cache(files.got / "sender", 10**10))
    receiver = S3Backend(client, bucket, sender.url.rpartition("/")[2], Cache(files.got / "receiver", 10**10))
    sender.create("warm", b"")
    small, large = describe_files(files.small), describe_files(files.large)
    return {
        "put_small": timed(lambda: sender.upload(files.small, "small", small)),
        "get_small": timed(lambda: receiver.download("small", small)),
        "put_large": timed(lambda: sender.upload(files.large, "large", large)),
        "get_large": timed(lambda: receiver.download("large", large)),
    }


def boto(files: Files, bucket: str) -> Times:
    """boto3, as its users write it: 16 threads, and the transfer manager for the large file."""
    client = plain_client()
    prefix = uuid.uuid4().hex
    client.put_object(Bucket=bucket, Key=f"{prefix}/warm", Body=b"")

    def put(path: Path) -> None:
        client.put_object(Bucket=bucket, Key=f"{prefix}/{path.name}", Body=path.read_bytes())

    def get(path: Path) -> None:
        body = client.get_object(Bucket=bucket, Key=f"{prefix}/{path.name}")["Body"]
        (files.got / path.name).write_bytes(body.read())

    large = files.large / "large.bin"
    return {
        "put_small": timed(lambda: in_threads(put, files.small)),
        "get_small": timed(lambda: in_threads(get, files.small)),
        "put_large": timed(lambda: client.upload_file(str(large), bucket, f"{prefix}/large.bin")),
        "get_large": timed(lambda: client.download_file(bucket, f"{prefix}/large.bin", str(files.got / "large.bin"))),
    }


def obstore(files: Files, bucket: str) -> Times:
    """obstore: object_store of Rust, in 16 threads."""
    from obstore.store import S3Store

    store = S3Store(
        bucket,
        prefix=uuid.uuid4().hex,
        endpoint=os.environ["AWS_ENDPOINT_URL_S3"],
        region=os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        client_options={"allow_http": True},
    )
    store.put("warm", b"")

    def put(path: Path) -> None:
        store.put(path.name, path)

    def get(path: Path) -> None:
        with (files.got / path.name).open("wb") as file:
            for block in store.get(path.name).stream():
                file.write(block)

    return {
        "put_small": timed(lambda: in_threads(put, files.small)),
        "get_small": timed(lambda: in_threads(get, files.small)),
        "put_large": timed(lambda: put(files.large / "large.bin")),
        "get_large": timed(lambda: get(files.large / "large.bin")),
    }


CONTENDERS: Mapping[str, Callable[[Files, str], Times]] = {"ours": ours, "boto3": boto, "obstore": obstore}


def main() -> None:
    """Measure, print, and exit 1 if a figure is short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a large file of 50 MB, and fewer rounds")
    parser.add_argument("--round", nargs=3, metavar=("CONTENDER", "FOLDER", "BUCKET"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.round:
        print(json.dumps(one_round(*arguments.round)))
        return
    if "AWS_ENDPOINT_URL_S3" not in os.environ:
        parser.error("AWS_ENDPOINT_URL_S3 names no server. Start one as the text above says.")
    best = measure(*((QUICK_LARGE_SIZE, QUICK_ROUNDS) if arguments.quick else (LARGE_SIZE, ROUNDS)))
    sys.exit(not all([print_figures(best, "boto3", GOAL), print_figures(best, "obstore", 0), print_memory(best)]))


def measure(large_size: int, rounds: int) -> dict[str, Times]:
    """Best times of every contender."""
    bucket = f"bench-{uuid.uuid4().hex[:8]}"
    plain_client().create_bucket(Bucket=bucket)
    try:
        return rounds_in(bucket, large_size, rounds)
    finally:
        drop(bucket)


def rounds_in(bucket: str, large_size: int, rounds: int) -> dict[str, Times]:
    """Best times of every contender in a bucket that is there."""
    seen: dict[str, list[Times]] = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory() as folder:
        Files(Path(folder)).draw(large_size)
        for _ in range(rounds):
            for name in CONTENDERS:
                command = [sys.executable, __file__, "--round", name, folder, bucket]
                printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                seen[name].append(json.loads(printed))
    return {name: {what: min(times[what] for times in found) for what in found[0]} for name, found in seen.items()}


def drop(bucket: str) -> None:
    """Remove the bucket with all that was put there."""
    client = plain_client()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [found["Key"] for found in page.get("Contents", [])]
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(lambda key: client.delete_object(Bucket=bucket, Key=key), keys))
    client.delete_bucket(Bucket=bucket)


def one_round(contender: str, folder: str, bucket: str) -> Times:
    """What one contender needs."""
    files = Files(Path(folder))
    files.got.mkdir()
    try:
        times = CONTENDERS[contender](files, bucket)
    finally:
        shutil.rmtree(files.got)
    return times | {"memory": peak_memory()}


def peak_memory() -> float:
    """Megabytes that this process has held at its peak; what getrusage tells includes its parent's."""
    (line,) = re.findall(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(line) * 1024 / 1e6


def print_figures(best: dict[str, Times], other: str, goal: float) -> bool:
    """Print how fast we are against another; returns whether no figure is short."""
    ratios = {what: seconds / best["ours"][what] for what, seconds in best[other].items() if what != "memory"}
    for what, ratio in ratios.items():
        print(f"{what}_against_{other} {ratio:.2f} {goal} {'ok' if ratio >= goal else 'short'}")
    return min(ratios.values()) >= goal


def print_memory(best: dict[str, Times]) -> bool:
    """Print our peak memory; returns whether it is below the goal."""
    memory = best["ours"]["memory"]
    print(f"peak_memory_mb {memory:.0f} {MEMORY_GOAL} {'ok' if memory <= MEMORY_GOAL else 'short'}")
    return memory <= MEMORY_GOAL


def plain_client() -> "S3Client":
    """A client of boto's for any server, otherwise as it comes."""
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(request_checksum_calculation="when_required", max_pool_connections=THREADS))


def in_threads(function: Callable[[Path], None], folder: Path) -> None:
    """Call it for every file of a folder."""
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(function, sorted(folder.iterdir())))


def timed(function: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
