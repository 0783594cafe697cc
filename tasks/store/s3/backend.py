"""The backend that keeps objects in an S3 bucket."""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tasks.errors import AlreadyExistsError, CorruptFileError
from tasks.store.backend import StoredObject
from tasks.store.cache import REMEDY, Cache
from tasks.store.manifest import FileEntry
from tasks.store.s3.ask import list_objects, list_uploads
from tasks.store.s3.create_once import CreateOnce
from tasks.store.s3.download import STRETCH, Download, digest_whole, read_whole
from tasks.store.s3.errors import NO_UPLOAD, code_of, told
from tasks.store.s3.settings import CONNECTIONS
from tasks.store.s3.upload import IN_PARTS, Upload
from tasks.store.scratch import told as told_of_disk

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THREADS = CONNECTIONS
TRIES = 4
"""How often bytes that arrive wrongly are fetched."""


class S3Backend:
    """Objects of a bucket, below a prefix.

    Every object carries its SHA-256 as metadata. Files that were uploaded or fetched are in the local cache.
    """

    def __init__(self, client: "S3Client", bucket: str, prefix: str, cache: Cache) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._cache = cache
        self._create_once = CreateOnce(client, bucket, self._prefix)

    @property
    def url(self) -> str:
        """``s3://bucket/prefix``."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def check(self) -> None:
        """See that the cache and the bucket can be written, and that two writers cannot both win. Raises StoreError."""
        with self.scratch(), told(self.url):
            self._create_once.probe()

    def create(self, key: str, content: bytes) -> None:
        """Create a small object. Of several writers exactly one wins.

        Raises:
            AlreadyExistsError: the object is there already.
            StoreError: the server would let two writers win; found out before the first object is created.
        """
        with told(f"{self.url}/{key}"):
            if not self._create_once.create(key, content):
                raise AlreadyExistsError(f"{key} is in {self.url} already")

    def read(self, key: str) -> bytes:
        """Content of a small object, checked against the digest that it carries. Raises NotInStoreError."""
        with told(f"{self.url}/{key}"):
            for _ in range(TRIES):
                content, digest = read_whole(self._client, self._bucket, self._prefix + key)
                if digest in {None, hashlib.sha256(content).hexdigest()}:
                    return content
        raise CorruptFileError(f"{self.url}/{key} is damaged: its bytes are not those that were written.")

    def upload(self, folder: Path, root: str, files: Mapping[str, FileEntry]) -> None:
        """Copy `files` of a folder to the keys ``root/name``, and into the cache: they must not change any more.

        What an interrupted upload of the same files left is used.

        Raises:
            StoreError: what has arrived is not what `files` says.
        """
        uploads = [
            Upload(self._client, self._bucket, f"{self._prefix}{root}/{name}", folder / name, entry)
            for name, entry in files.items()
        ]
        with told(f"{self.url}/{root}"), ThreadPoolExecutor(THREADS) as threads:
            there = {found["Key"]: found["ETag"] for found in self._list(f"{root}/")}
            send = partial(_send, there, threads)
            # Small files side by side; the parts of a large one have all threads for themselves.
            for _ in threads.map(send, (upload for upload in uploads if upload.entry.size < IN_PARTS)):
                pass
            for upload in uploads:
                if upload.entry.size >= IN_PARTS:
                    send(upload)
        self._keep(folder, files)

    def download(self, root: str, files: Mapping[str, FileEntry]) -> dict[str, Path]:
        """Local files with the bytes of the keys ``root/name``, by name, from the cache or fetched into it.

        Raises:
            NotInStoreError: an object is not there.
            CorruptFileError: an object's bytes are not those that `files` says.
            StoreError: the cache cannot be written, or the bucket not be read.
        """
        found = {name: self._cache.find(entry) for name, entry in files.items()}
        missing = {name: files[name] for name, path in found.items() if not path}
        if missing:
            found |= self._fetch_all(root, missing)
        return {name: path for name, path in found.items() if path}

    def describe(self, key: str) -> FileEntry:
        """Digest and size of an object, read from the bucket. Raises NotInStoreError."""
        with told(f"{self.url}/{key}"):
            return digest_whole(self._client, self._bucket, self._prefix + key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Objects whose keys start with `prefix`, a path that ends in a slash, sorted by key."""
        for found in self._list(prefix):
            yield StoredObject(
                found["Key"].removeprefix(self._prefix), found["Size"], found["LastModified"].astimezone(UTC)
            )

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; one that is not there is no error."""
        with told(self.url), ThreadPoolExecutor(THREADS) as threads:
            # One by one: not every server takes a list of objects to delete.
            for _ in threads.map(lambda key: self._client.delete_object(**self._names(key)), keys):
                pass

    def link(self, key: str, valid: timedelta) -> str:
        """A URL that lets whoever has it read the object, for so long: at most a week."""
        return self._client.generate_presigned_url(
            "get_object", Params=self._names(key), ExpiresIn=int(valid.total_seconds())
        )

    def drop_unfinished(self, before: datetime) -> int:
        """Abort the uploads in parts that began before then and never ended; returns how many there were."""
        with told(self.url):
            # Only files of these are uploaded in parts: what else is unfinished is not ours.
            uploads = (
                upload
                for folder in ("steps/", "checkpoints/")
                for upload in list_uploads(self._client, self._bucket, self._prefix + folder)
            )
            found = [upload for upload in uploads if upload["Initiated"] < before]
            for upload in found:
                self._abort(upload["Key"], upload["UploadId"])
        return len(found)

    def scratch(self) -> AbstractContextManager[Path]:
        """An empty folder on the cache's disk; it is gone after the block."""
        return self._cache.scratch()

    def _names(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    def _list(self, prefix: str) -> Iterator[Any]:
        with told(f"{self.url}/{prefix}"):
            yield from list_objects(self._client, self._bucket, self._prefix + prefix)

    def _abort(self, key: str, upload: str) -> None:
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)
        except ClientError as error:
            if code_of(error) not in NO_UPLOAD:  # it may just have ended
                raise

    def _keep(self, folder: Path, files: Mapping[str, FileEntry]) -> None:
        """Link files that have been uploaded into the cache: the next step will ask for them."""
        with suppress(OSError):  # on another disk, or the disk is full: never mind
            for name, entry in files.items():
                self._cache.keep(folder / name, entry)

    def _fetch_all(self, root: str, files: Mapping[str, FileEntry]) -> dict[str, Path]:
        """Bring objects into the cache: many small ones at once, then large ones, each in many stretches at once."""
        small = {f"{root}/{name}": entry for name, entry in files.items() if entry.size <= STRETCH}
        large = {f"{root}/{name}": entry for name, entry in files.items() if entry.size > STRETCH}
        with (
            told_of_disk(self._cache.folder, REMEDY),
            self._cache.scratch() as folder,
            ThreadPoolExecutor(THREADS) as threads,
        ):
            fetch = partial(self._fetch, folder)
            paths = dict(zip(small, threads.map(fetch, small, small.values()), strict=True))
            paths |= {key: fetch(key, entry, threads) for key, entry in large.items()}
        return {name: paths[f"{root}/{name}"] for name in files}

    def _fetch(self, folder: Path, key: str, entry: FileEntry, threads: Executor | None = None) -> Path:
        """Bring an object into the cache, by way of `folder`."""
        download = Download(self._client, self._bucket, self._prefix + key, entry.size)
        with told(f"{self.url}/{key}"):
            for _ in range(TRIES):
                target = folder / uuid.uuid4().hex
                if download.receive(target, threads) == entry.sha256:
                    return self._cache.add(target, entry)
        raise CorruptFileError(f"{self.url}/{key} is damaged: its bytes are not those that its manifest names.")


def _send(there: Mapping[str, str], threads: Executor, upload: Upload) -> None:
    """Upload a file, unless an object with its ETag is there."""
    if upload.key not in there or there[upload.key] != upload.etag():
        upload.send(threads)
