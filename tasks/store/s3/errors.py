"""What a server of S3, or the way to it, can answer, as errors that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
    TokenRetrievalError,
)
from urllib3.exceptions import HTTPError as BrokenStream

from tasks.errors import NotInStoreError, StoreError, StoreUnavailableError

NOT_THERE = {"404", "NoSuchKey", "NotFound"}
LOST_RACE = {"412", "PreconditionFailed"}
CLASH = {"409", "ConditionalRequestConflict", "OperationAborted"}
ARRIVED_WRONGLY = {"BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"}
NO_UPLOAD = {"NoSuchUpload", *NOT_THERE}
"""There is no such upload in parts, or no more; Ceph says so as of an object."""
NO_SUCH_RANGE = {"416", "InvalidRange"}
CREDENTIALS = (NoCredentialsError, PartialCredentialsError, ProfileNotFound, TokenRetrievalError)

REMEDIES = {
    "NoSuchBucket": "Make the bucket with `python infra/bucket.py s3://BUCKET`, or mend the URL.",
    "AccessDenied": "The credentials lack a right; infra/policies says which each role needs.",
    "403": "The keys are wrong, or lack a right: check AWS_PROFILE or the keys; infra/policies says what a role needs.",
    "InvalidAccessKeyId": "The server does not know the access key: check AWS_ACCESS_KEY_ID or AWS_PROFILE.",
    "SignatureDoesNotMatch": "The secret key is wrong: check AWS_SECRET_ACCESS_KEY or AWS_PROFILE.",
    "ExpiredToken": "The credentials have expired: sign in again.",
    "RequestTimeTooSkewed": "This machine's clock is wrong: set it.",
    "PermanentRedirect": "The bucket is in another region: set FOLDLINE_S3_REGION.",
    "AuthorizationHeaderMalformed": "The bucket is in another region: set FOLDLINE_S3_REGION.",
}
GO_ON = "Run again when it is mended: what was finished is kept, and uploads go on where they stopped."

STREAM_ERRORS = (BotoCoreError, BrokenStream, ConnectionError, TimeoutError)
"""What is raised when a connection breaks: by a request after all its retries, by reading an answer's body at once."""

UNREACHABLE = (EndpointConnectionError, ConnectTimeoutError, SSLError)
"""Those of them that say that there was no connection at all."""

OVERLOADED = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "500", "502", "503", "504"}
"""The server, or a gateway before it, is not able to answer now."""


def code_of(error: Exception) -> str:
    """S3's word for what is wrong, such as ``NoSuchKey``, or the HTTP status; empty if the server has said nothing."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


@contextmanager
def told(url: str) -> Iterator[None]:
    """Turn errors of boto about the object or place `url` into ours.

    Raises:
        NotInStoreError: the object is not there.
        StoreUnavailableError: the server could not be reached, or not answer, after all retries.
        StoreError: anything else went wrong.
    """
    try:
        yield
    except ClientError as error:
        code = code_of(error)
        if code in NOT_THERE:
            raise NotInStoreError(f"{url} is not there") from error
        reason = error.response.get("Error", {}).get("Message") or "no reason given"
        kind = StoreUnavailableError if code in OVERLOADED else StoreError
        raise kind(f"{url}: the server refuses ({code}: {reason}). {REMEDIES.get(code, GO_ON)}") from error
    except CREDENTIALS as error:
        raise StoreError(
            f"{url}: there are no credentials ({error}). Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY."
        ) from error
    except SSLError as error:
        raise StoreError(
            f"{url}: the server's certificate is not trusted ({error}). Name a file of certificate authorities with "
            "FOLDLINE_S3_TLS."
        ) from error
    except UNREACHABLE as error:
        raise StoreUnavailableError(
            f"{url}: the server cannot be reached ({error}). Check FOLDLINE_S3_ENDPOINT. {GO_ON}"
        ) from error
    except STREAM_ERRORS as error:
        raise StoreUnavailableError(
            f"{url}: the connection broke ({error or type(error).__name__}). {GO_ON}"
        ) from error
