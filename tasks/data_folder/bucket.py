"""A data folder in a bucket: listed once, each object fetched once.

The store's own client reads it, so that both have the same settings, retries and errors; what it has fetched is in the
same cache.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from tasks.data_folder.digests import Digests, Stamp
from tasks.errors import DataError, NotInStoreError
from tasks.store.cache import Cache, open_cache
from tasks.store.keys import digest_json
from tasks.store.manifest import FileEntry
from tasks.store.s3.ask import list_objects
from tasks.store.s3.download import read_whole
from tasks.store.s3.errors import told
from tasks.store.s3.settings import CONNECTIONS, S3Settings, connect

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class BucketFolder:
    """The objects of a bucket below a prefix, as they were when they were first asked for."""

    bucket: str
    prefix: str
    settings: S3Settings

    @property
    def url(self) -> str:
        """``s3://bucket/prefix``."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def threads(self) -> int:
        """Enough to keep every connection busy: requests mostly wait."""
        return CONNECTIONS

    @property
    def client(self) -> "S3Client":
        """This process's client."""
        return _client(self.settings)

    def check(self) -> None:
        """Raise DataError if there is nothing below the prefix."""
        if not self._listing:
            raise DataError(
                f"There is nothing below {self.url}. Mend the URL, or copy a data folder there, for example with "
                f"`aws s3 sync DIR {self.url}`."
            )

    def entries(self, folder: str) -> set[str]:
        """Names of what lies in a folder below this one; those of folders end in a slash."""
        return self._folders.get(folder, set())

    def describe(self, name: str) -> FileEntry:
        """Digest and size of an object: remembered, or of its bytes, which are in the cache from then on.

        Raises:
            DataError: there is no such object.
        """
        known = self._digests.find(name)
        if known is None:
            known = self._cache.put(self._fetch(name))
            self._digests.add(name, known.sha256)
        return known

    def remember(self) -> None:
        """Keep the digests for the next run, which then only reads what has changed."""
        self._digests.save()

    def read(self, name: str, sha256: str | None = None) -> bytes:
        """Content of an object: from the cache, or fetched into it. Raises DataError if there is no such object."""
        content = self._cache.read(sha256 or self.describe(name).sha256)
        if content is None:
            content = self._fetch(name)
            self._cache.put(content)
        return content

    def _fetch(self, name: str) -> bytes:
        try:
            with told(f"{self.url}/{name}"):
                return read_whole(self.client, self.bucket, self._root + name)[0]
        except NotInStoreError as error:
            raise DataError("No such object") from error

    @property
    def _root(self) -> str:
        return f"{self.prefix}/" if self.prefix else ""

    @property
    def _cache(self) -> Cache:
        return open_cache()

    @cached_property
    def _listing(self) -> Mapping[str, Stamp]:
        """What the bucket says of every object, by name."""
        with told(self.url):
            return {
                found["Key"].removeprefix(self._root): Stamp(
                    found["ETag"], found["Size"], found["LastModified"].isoformat()
                )
                for found in list_objects(self.client, self.bucket, self._root)
            }

    @cached_property
    def _folders(self) -> Mapping[str, set[str]]:
        """What lies in each folder; an object whose name ends in a slash is an empty one."""
        folders: defaultdict[str, set[str]] = defaultdict(set)
        for name in self._listing:
            *above, last = name.split("/")
            for depth, part in enumerate(above):
                folders["/".join(above[:depth])].add(f"{part}/")
            if last:
                folders["/".join(above)].add(last)
        return folders

    @cached_property
    def _digests(self) -> Digests:
        return Digests(self._cache, digest_json([self.client.meta.endpoint_url, self.url]), self._listing)


@cache
def _client(settings: S3Settings) -> "S3Client":
    """One for each server: its connections last as long as the process."""
    return connect(settings)
