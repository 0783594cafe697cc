"""Uploads that are checked as they arrive: small files in one request, large ones in parts that can be resumed.

The check is one that every server offers: an object's ETag is the MD5 of its bytes; that of an object in parts is the
MD5 of the parts' MD5s, a dash, and their number. Where a bucket is encrypted with KMS an ETag says nothing; there the
server compares Content-MD5 itself, as every server should.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
"""

import base64
import hashlib
import io
import mimetypes
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from botocore.exceptions import ClientError
from s3transfer.utils import ReadFileChunk

from tasks.errors import StoreError
from tasks.store.manifest import FileEntry
from tasks.store.s3.ask import ask, list_parts, list_uploads
from tasks.store.s3.errors import ARRIVED_WRONGLY, NO_UPLOAD, NOT_THERE, code_of
from tasks.store.verify import is_intact

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART = 8 << 20
"""Bytes of a part, but for files of more than MOST_PARTS of them."""
MOST_PARTS = 10_000
IN_PARTS = 2 * PART
"""Bytes from which a file is uploaded in parts."""
WAVE = 8
"""Parts that are digested ahead."""
IN_MEMORY = 1 << 20
"""Bytes up to which a body is read at once, which saves time; larger ones are streamed, which saves memory."""
TRIES = 4
"""How often bytes that arrive wrongly are sent."""
OPAQUE = {"aws:kms", "aws:kms:dsse"}
"""Encryptions under which an ETag says nothing about the bytes."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a file."""

    path: Path
    offset: int
    length: int

    def md5(self) -> bytes:
        """The MD5 digest of its bytes."""
        digest = hashlib.md5(usedforsecurity=False)
        with self.open() as file:
            while block := file.read(IN_MEMORY):
                digest.update(block)
        return digest.digest()

    def open(self) -> BinaryIO:
        """Its bytes, to be read."""
        if self.length > IN_MEMORY:
            return cast("BinaryIO", ReadFileChunk.from_filename(str(self.path), self.offset, self.length))
        return io.BytesIO(self._content)

    @cached_property
    def _content(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.length)


@dataclass(frozen=True)
class Upload:
    """A file on its way to an object."""

    client: "S3Client"
    bucket: str
    key: str
    path: Path
    entry: FileEntry

    def pieces(self) -> list[Piece]:
        """The stretches that are sent as parts; just one where the file goes in one request."""
        if self.entry.size < IN_PARTS:
            return [Piece(self.path, 0, self.entry.size)]
        length = max(PART, -(-self.entry.size // MOST_PARTS))
        return [
            Piece(self.path, offset, min(length, self.entry.size - offset))
            for offset in range(0, self.entry.size, length)
        ]

    def etag(self) -> str:
        """The ETag that the object has once it is there, where ETags say something. Reads the whole file."""
        return f'"{_joined([piece.md5() for piece in self.pieces()])}"'

    def send(self, threads: Executor) -> None:
        """Upload the file, parts in parallel; returns when the server has said that its very bytes are there.

        Raises:
            StoreError: they have not arrived.
        """
        if not is_intact(self.path, self.entry):
            raise StoreError(f"{self.path} changed before it was uploaded to {self.key}. Run again.")
        pieces = self.pieces()
        if len(pieces) > 1:
            self._try(lambda: self._send_parts(pieces, threads))
            return
        md5 = pieces[0].md5()
        self._try(lambda: self._send_piece(self.client.put_object, pieces[0], md5, self._described()))

    def _try(self, attempt: Callable[[], str | None]) -> str:
        for _ in range(TRIES):
            if etag := attempt():
                return etag
        raise StoreError(
            f"{self.key}: bytes arrived wrongly {TRIES} times. Check the network and the memory of this machine."
        )

    def _send_piece(self, request: Callable[..., Any], piece: Piece, md5: bytes, more: dict[str, Any]) -> str | None:
        """Send a piece; returns its ETag, or None if other bytes have arrived."""
        try:
            with piece.open() as file:
                # Bytes are sent together with the headers; a file in blocks of 16 KB.
                body = file.read() if piece.length <= IN_MEMORY else file
                answer = request(**self._names(), **more, Body=body, ContentMD5=base64.b64encode(md5).decode())
        except ClientError as error:
            if code_of(error) not in ARRIVED_WRONGLY:
                raise
            return None
        return str(answer["ETag"]) if has_arrived(answer, md5.hex()) else None

    def _send_parts(self, pieces: list[Piece], threads: Executor) -> str | None:
        """Send the parts that are missing, and join all; returns the object's ETag, or None to do it again."""
        # The first wave is digested while the server is asked: it would otherwise wait for that.
        ahead = [threads.submit(piece.md5) for piece in pieces[:WAVE]]
        upload, there = self._unfinished()
        if not upload:
            create = self.client.create_multipart_upload
            upload = str(ask(create, "UploadId", **self._names(), **self._described())["UploadId"])

        def send(number: int, piece: Piece) -> tuple[bytes, str]:
            md5 = ahead[number - 1].result() if number <= WAVE else piece.md5()
            if there.get(number) == (piece.length, f'"{md5.hex()}"'):
                return md5, there[number][1]
            more = {"UploadId": upload, "PartNumber": number}
            return md5, self._try(lambda: self._send_piece(self.client.upload_part, piece, md5, more))

        try:
            sent = list(threads.map(send, range(1, len(pieces) + 1), pieces))
            ask(
                self.client.complete_multipart_upload,
                "ResponseMetadata",
                **self._names(),
                UploadId=upload,
                MultipartUpload={"Parts": [{"PartNumber": n, "ETag": etag} for n, (_, etag) in enumerate(sent, 1)]},
            )
            digests = [md5 for md5, _ in sent]
        except ClientError as error:
            if code_of(error) not in NO_UPLOAD:
                raise
            # Another writer of the same file has ended it, or our own request whose answer was lost.
            digests = [piece.md5() for piece in pieces]
        return self._etag_there(_joined(digests))

    def _etag_there(self, md5: str) -> str | None:
        """The object's ETag, if it is there and has these bytes; not every server tells it when parts are joined."""
        try:
            answer = self.client.head_object(**self._names())
        except ClientError as error:
            if code_of(error) not in NOT_THERE:
                raise
            return None
        return answer["ETag"] if has_arrived(answer, md5) else None

    def _unfinished(self) -> tuple[str | None, dict[int, tuple[int, str]]]:
        """The newest unfinished upload of the object, and size and ETag of its parts by their numbers."""
        found = [upload for upload in list_uploads(self.client, self.bucket, self.key) if upload["Key"] == self.key]
        if not found:
            return None, {}
        upload = max(found, key=lambda upload: upload["Initiated"])["UploadId"]
        try:
            parts = list(list_parts(self.client, self.bucket, self.key, upload))
        except ClientError as error:
            if code_of(error) not in NO_UPLOAD:
                raise
            return None, {}  # it has just ended
        return upload, {part["PartNumber"]: (part["Size"], part["ETag"]) for part in parts}

    def _names(self) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": self.key}

    def _described(self) -> dict[str, Any]:
        """What is kept with the object: its digest, and its type, so that a browser shows it."""
        kind = mimetypes.guess_type(self.key)[0] or "application/octet-stream"
        return {"Metadata": {"sha256": self.entry.sha256}, "ContentType": kind}


def has_arrived(answer: Mapping[str, Any], md5: str) -> bool:
    """Whether an answer says that the bytes with this MD5 are there; of parts: with this `_joined` one."""
    return answer["ETag"] == f'"{md5}"' or answer.get("ServerSideEncryption") in OPAQUE


def _joined(digests: list[bytes]) -> str:
    """What the ETag says of an object made of parts with these MD5 digests; of just one: in one request."""
    if len(digests) == 1:
        return digests[0].hex()
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"
