"""Downloads that go on where a connection broke: large objects in several stretches at once."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from tasks.errors import CorruptFileError
from tasks.store.manifest import FileEntry
from tasks.store.s3.ask import PAUSES
from tasks.store.s3.errors import NO_SUCH_RANGE, STREAM_ERRORS, code_of

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

Result = TypeVar("Result")

STRETCH = 8 << 20
"""Bytes of a large object that one request asks for."""
BLOCK = 1 << 18
"""Bytes that are read from a connection at once."""


@dataclass(frozen=True)
class Download:
    """An object on its way to a file."""

    client: "S3Client"
    bucket: str
    key: str
    size: int

    def receive(self, target: Path, threads: Executor | None = None) -> str:
        """Write the object to `target`; returns the SHA-256 of its bytes, hex. Raises what boto raises.

        Stretches are fetched by `threads`, or one after another.

        Raises:
            CorruptFileError: the object is not `size` bytes long.
        """
        offsets = range(0, max(self.size, 1), STRETCH)
        digest = sha256()
        with target.open("w+b", buffering=0) as file:
            fetch = threads.map if threads and len(offsets) > 1 else map
            lengths = fetch(lambda offset: self._fetch(file.fileno(), offset), offsets)
            # What has arrived is digested, in order, while the rest still arrives.
            for offset, length in zip(offsets, lengths, strict=True):
                for block in _blocks(file.fileno(), offset, length):
                    digest.update(block)
        return digest.hexdigest()

    def _fetch(self, file: int, offset: int) -> int:
        """Write the stretch from `offset` to its place in the file; returns its length."""
        end = min(offset + STRETCH, self.size)
        place, failures = offset, 0
        while True:
            with closing(self._open(place, end)) as body:
                try:
                    for block in body.iter_chunks(BLOCK):
                        os.pwrite(file, block, place)
                        place, failures = place + len(block), 0
                except STREAM_ERRORS:
                    if failures == len(PAUSES):
                        raise
                    time.sleep(PAUSES[failures])
                    failures += 1
            if place >= end:
                return end - offset

    def _open(self, place: int, end: int) -> "StreamingBody":
        """The object's bytes from `place` on, up to `end`."""
        whole = (place, end) == (0, self.size)
        try:
            if whole:
                answer = self.client.get_object(Bucket=self.bucket, Key=self.key)
            else:
                answer = self.client.get_object(Bucket=self.bucket, Key=self.key, Range=f"bytes={place}-{end - 1}")
        except ClientError as error:
            if code_of(error) not in NO_SUCH_RANGE:
                raise
            raise self._wrong_size("fewer") from error
        size = answer["ContentLength"] if whole else int(answer["ContentRange"].rpartition("/")[2])
        if size != self.size:
            answer["Body"].close()
            raise self._wrong_size(str(size))
        return answer["Body"]

    def _wrong_size(self, size: str) -> CorruptFileError:
        return CorruptFileError(f"{self.key} is damaged: it has {size} bytes, and its manifest names {self.size}.")


def read_whole(client: "S3Client", bucket: str, key: str) -> tuple[bytes, str | None]:
    """All bytes of a small object, and the SHA-256, hex, that it carries, if any."""

    def read(answer: "GetObjectOutputTypeDef") -> tuple[bytes, str | None]:
        return answer["Body"].read(), answer["Metadata"].get("sha256")

    return _until_whole(client, bucket, key, read)


def digest_whole(client: "S3Client", bucket: str, key: str) -> FileEntry:
    """Digest and size of an object, whose bytes are kept nowhere."""

    def read(answer: "GetObjectOutputTypeDef") -> FileEntry:
        digest, size = sha256(), 0
        for block in answer["Body"].iter_chunks(BLOCK):
            digest.update(block)
            size += len(block)
        return FileEntry(sha256=digest.hexdigest(), size=size)

    return _until_whole(client, bucket, key, read)


def _until_whole(
    client: "S3Client", bucket: str, key: str, read: "Callable[[GetObjectOutputTypeDef], Result]"
) -> Result:
    """What `read` makes of the object, once no connection breaks meanwhile."""
    for pause in PAUSES:
        answer = client.get_object(Bucket=bucket, Key=key)
        try:
            with closing(answer["Body"]):
                return read(answer)
        except STREAM_ERRORS as error:
            broken = error
            time.sleep(pause)
    raise broken


def _blocks(file: int, offset: int, length: int) -> Iterator[bytes]:
    for place in range(offset, offset + length, BLOCK):
        yield os.pread(file, min(BLOCK, offset + length - place), place)
