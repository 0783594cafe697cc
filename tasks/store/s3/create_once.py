"""Objects that exactly one writer creates, and the probe that the server really sees to it.

A request with ``If-None-Match: *`` fails with 412 if the object is there. But an answer can be lost, and boto then asks
again by itself: so every writer signs what it writes, and who meets its own signature has won.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tasks.errors import StoreError
from tasks.store.s3.errors import ARRIVED_WRONGLY, CLASH, LOST_RACE, NOT_THERE, STREAM_ERRORS, code_of
from tasks.store.s3.upload import has_arrived

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MARKER = "foldline.json"
"""An object that every store has: where it is, the server has once been seen to let only one of many writers win."""
MARKER_CONTENT = json.dumps({"about": "A store of Foldline", "layout": 1}, indent=2).encode()
RACERS = 8
TRIES = 4
"""How often a write that clashed with another, or bytes that arrived wrongly, are sent."""
PAUSE = 0.2
"""Seconds before a write that clashed is sent again; twice as many before each next."""


class CreateOnce:
    """Creates objects of a bucket, below a prefix that is empty or ends in a slash."""

    def __init__(self, client: "S3Client", bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._lock = Lock()
        self._probed = False

    def create(self, key: str, content: bytes) -> bool:
        """Create an object; returns whether it was this call that made it. Raises what boto raises.

        Raises:
            StoreError: the server would let two writers win, as the first call finds out; or the bytes do not arrive.
        """
        self.probe()
        return self._put_first(key, content)

    def probe(self) -> None:
        """Find out, once, whether the server lets two writers win. Raises StoreError if so, or what boto raises."""
        with self._lock:
            if not self._probed:
                self._probe()
                self._probed = True

    def _probe(self) -> None:
        if self._head(MARKER):
            if self._put_first(MARKER, MARKER_CONTENT):
                raise self._ignores_condition()
            return
        key = f"probe/{uuid.uuid4().hex}"
        start = Barrier(RACERS)

        def race(racer: int) -> bool:
            start.wait()
            return self._put_first(key, b"%d" % racer)

        with ThreadPoolExecutor(RACERS) as threads:
            winners = sum(threads.map(race, range(RACERS)))
        late = self._put_first(key, b"late")
        with suppress(ClientError):  # who may not delete leaves it
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)
        if late:
            raise self._ignores_condition()
        if winners != 1:
            raise StoreError(
                f"The server of bucket {self._bucket} let {winners} writers win who created one object at the same "
                "moment, so runs could overwrite each other. Use a server that keeps to If-None-Match."
            )
        self._put_first(MARKER, MARKER_CONTENT)

    def _ignores_condition(self) -> StoreError:
        return StoreError(
            f"The server of bucket {self._bucket} ignores If-None-Match: it let an object be created twice, so runs "
            "could overwrite each other. Turn the bucket's versioning off (on Ceph it breaks conditional writes), let "
            "a gateway in front of it pass that header, or use a server that keeps to it (AWS, Ceph, SeaweedFS)."
        )

    def _put_first(self, key: str, content: bytes) -> bool:
        """Whether the object was not there, and this call has made it."""
        writer = uuid.uuid4().hex
        answer = self._win(key, content, writer, TRIES)
        if answer is None:
            return False
        digest = hashlib.md5(content, usedforsecurity=False)
        for _ in range(TRIES):
            if has_arrived(answer, digest.hexdigest()):
                return True
            answer = self._put(key, content, writer, {})  # it is ours: nobody else writes it any more
        raise StoreError(f"{key}: bytes arrived wrongly {TRIES} times. Check the network and this machine's memory.")

    def _win(self, key: str, content: bytes, writer: str, tries: int) -> Mapping[str, Any] | None:
        """What the server says of the object that this writer has made; None if another was first."""
        try:
            return self._put(key, content, writer, {"IfNoneMatch": "*"})
        except (ClientError, *STREAM_ERRORS) as error:
            if code_of(error) in CLASH | ARRIVED_WRONGLY and tries > 1:
                time.sleep(PAUSE * 2 ** (TRIES - tries))
                return self._win(key, content, writer, tries - 1)
            there = self._head(key)
            if not there and code_of(error) not in LOST_RACE:
                raise
            return there if there.get("Metadata", {}).get("writer") == writer else None

    def _put(self, key: str, content: bytes, writer: str, condition: dict[str, Any]) -> Mapping[str, Any]:
        return self._client.put_object(
            Bucket=self._bucket,
            Key=self._prefix + key,
            Body=content,
            ContentMD5=base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode(),
            ContentType="application/json",
            Metadata={"sha256": hashlib.sha256(content).hexdigest(), "writer": writer},
            **condition,
        )

    def _head(self, key: str) -> Mapping[str, Any]:
        """What the server says of an object; nothing if it is not there."""
        try:
            return self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
        except ClientError as error:
            if code_of(error) not in NOT_THERE:
                raise
            return {}
