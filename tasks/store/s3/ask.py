"""Requests that are answered in XML, sent again where the answer is cut off.

Boto neither notices nor sends again: without any XML an answer looks like an empty one, such as that of a listing; with
half of it like an error of the server's.
"""

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, HTTPClientError

from tasks.store.s3.errors import STREAM_ERRORS, UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

PAUSES = tuple(0.1 * 2**failures for failures in range(8))
"""Seconds to wait when connections break one after another; then it is given up."""

PATIENCE = 60.0
"""Seconds after which no answer is asked for again: of a server that is silent, boto has asked often enough."""


def ask(request: "Callable[..., Any]", needed: str, **arguments: object) -> Any:  # noqa: ANN401 - as boto answers
    """The answer to a request, whole: it has the field `needed`. Raises what boto raises."""
    broken: Exception
    began = time.monotonic()
    for pause in PAUSES:
        if time.monotonic() - began > PATIENCE:
            break
        try:
            answer = request(**arguments)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 200:
                raise
            broken = error
        except UNREACHABLE:
            raise  # boto has tried that often enough
        except STREAM_ERRORS as error:
            broken = error
        else:
            if needed in answer:
                return answer
            broken = HTTPClientError(error="the answer was cut off")
        time.sleep(pause)
    raise broken


def list_objects(client: "S3Client", bucket: str, prefix: str) -> Iterator[Any]:
    """Every object whose key starts with `prefix`, sorted by key, as boto describes it."""
    follow = {"ContinuationToken": "NextContinuationToken"}
    return _pages(client.list_objects_v2, "Contents", follow, Bucket=bucket, Prefix=prefix)


def list_uploads(client: "S3Client", bucket: str, prefix: str) -> Iterator[Any]:
    """Every upload in parts that has not ended, of a key that starts with `prefix`, as boto describes it."""
    follow = {"KeyMarker": "NextKeyMarker", "UploadIdMarker": "NextUploadIdMarker"}
    return _pages(client.list_multipart_uploads, "Uploads", follow, Bucket=bucket, Prefix=prefix)


def list_parts(client: "S3Client", bucket: str, key: str, upload: str) -> Iterator[Any]:
    """Every part that an unfinished upload has, as boto describes it."""
    follow = {"PartNumberMarker": "NextPartNumberMarker"}
    return _pages(client.list_parts, "Parts", follow, Bucket=bucket, Key=key, UploadId=upload)


def _pages(request: "Callable[..., Any]", items: str, follow: Mapping[str, str], **arguments: object) -> Iterator[Any]:
    """The `items` of every page of a listing; `follow` says which field of a page is which argument for the next."""
    token: dict[str, object] = {}
    while True:
        page = ask(request, "IsTruncated", **arguments, **token)
        yield from page.get(items, [])
        if not page["IsTruncated"]:
            return
        token = {argument: page[field] for argument, field in follow.items()}
