"""How a server that speaks S3 is reached."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tasks.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCHEME = "s3://"
PREFIX = "FOLDLINE_S3_"
"""An environment variable that says how a server is reached: FOLDLINE_S3_ENDPOINT."""
CONNECTIONS = 16
"""Requests under way at once."""
ATTEMPTS = 6
"""How often a request is sent before it has failed: boto's standard mode, with exponential pauses of up to 20 s."""


class S3Settings(BaseModel):
    """How a server that speaks S3 is reached; each is read from the environment, such as FOLDLINE_S3_ENDPOINT.

    Credentials, and whatever is not said here, come by AWS's standard chain: variables, profiles, roles.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    endpoint: str | None = None
    """URL of the server, if it is not AWS; else $AWS_ENDPOINT_URL_S3 or the profile's."""
    region: str | None = None
    """Region; else $AWS_DEFAULT_REGION or the profile's."""
    addressing: Literal["auto", "path", "virtual"] = "auto"
    """Whether a bucket's name stands in the path or before the host; auto: in the path where an endpoint is given."""
    checksums: Literal["when_required", "when_supported"] = "when_required"
    """Whether boto adds checksums of its own: few servers besides AWS know them, and Foldline checks by itself."""
    tls: str = "verify"
    """`verify`, `off` (certificates are not checked), or the path of a file of certificate authorities."""
    timeout: float = Field(default=30, gt=0)
    """Seconds of silence after which a connection is given up and the request sent again."""

    @field_validator("endpoint")
    @classmethod
    def _holds_no_password(cls, endpoint: str | None) -> str | None:
        if endpoint and "@" in urlsplit(endpoint).netloc:
            # Not shown: whatever is wrong with a setting is printed.
            raise ValueError("it holds a name or a password, which belong into AWS_ACCESS_KEY_ID and the like")
        return endpoint

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "S3Settings":
        """What the environment says. Raises ConfigError that lists what is wrong."""
        given = {name: environment.get(f"{PREFIX}{name.upper()}") for name in cls.model_fields}
        try:
            return cls.model_validate({name: value for name, value in given.items() if value})
        except ValidationError as error:
            wrong = [f"{PREFIX}{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors()]
            raise ConfigError(f"{len(wrong)} settings of S3 are wrong: {'; '.join(wrong)}.") from None


def split_url(url: str) -> tuple[str, str]:
    """Bucket and prefix (empty, or without slashes at its ends) of ``s3://bucket/prefix``.

    Raises:
        ConfigError: it is no such URL, or holds credentials.
    """
    bucket, _, prefix = url.removeprefix(SCHEME).partition("/")
    if "@" in bucket or ":" in bucket:
        raise ConfigError(
            "A URL of S3 must not hold credentials. Write s3://bucket/prefix, and give the credentials by "
            "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    if not url.startswith(SCHEME) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}", bucket):
        raise ConfigError(f"{url!r} names no bucket. Write s3://bucket/prefix.")
    parts = prefix.strip("/").split("/")
    if any(part in {".", ".."} for part in parts) or (prefix.strip("/") and "" in parts) or re.search(r"[?#]", prefix):
        raise ConfigError(f"{url!r} has a prefix with an empty part, dots, ? or #. Write s3://bucket/prefix.")
    return bucket, "/".join(parts)


def connect(settings: S3Settings) -> "S3Client":
    """A client for the server; safe to be used by many threads.

    Raises:
        ConfigError: a setting, or the profile, is wrong.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=CONNECTIONS,
        connect_timeout=min(10.0, settings.timeout),
        read_timeout=settings.timeout,
        request_checksum_calculation=settings.checksums,
        response_checksum_validation=settings.checksums,
        s3={
            "addressing_style": settings.addressing,
            # What we send has a Content-MD5, which is signed: a second digest over the bytes would only cost time.
            "payload_signing_enabled": False,
        },
        signature_version="s3v4",  # the default signs links in a way that many servers have given up
        tcp_keepalive=True,
    )
    verify = {"verify": None, "off": False}.get(settings.tls, settings.tls)
    if verify and not Path(settings.tls).exists():
        raise ConfigError(f"FOLDLINE_S3_TLS: there is no file {settings.tls}. Write verify, off, or the path of one.")
    try:
        return boto3.session.Session().client(
            "s3", endpoint_url=settings.endpoint, region_name=settings.region, verify=verify, config=config
        )
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(
            f"The settings of S3 are wrong: {error}. Mend AWS_PROFILE, FOLDLINE_S3_ENDPOINT or FOLDLINE_S3_REGION."
        ) from error
