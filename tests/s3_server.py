"""A server of S3 for tests."""

import logging
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from mypy_boto3_s3 import S3Client

REAL_SERVER = os.environ.get("FOLDLINE_TEST_S3")
"""URL of a real server that the tests should use; its credentials are those of the environment."""
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
CREDENTIALS = {key: os.environ[key] if REAL_SERVER else f"{key.lower()}-of-no-worth" for key in KEYS}
REGION = "us-east-1"


@dataclass
class S3Server:
    """A server under way.

    Attributes:
        url: where it answers.
    """

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which Foldline reaches it."""
        return {"FOLDLINE_S3_ENDPOINT": self.url, "FOLDLINE_S3_REGION": REGION, **CREDENTIALS}

    def new_bucket(self) -> str:
        """Make an empty bucket; returns its name."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=name)
        return name

    def drop_bucket(self, name: str) -> None:
        """Remove a bucket with all that is in it."""
        for page in self.client.get_paginator("list_object_versions").paginate(Bucket=name):
            for found in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                self.client.delete_object(Bucket=name, Key=found["Key"], VersionId=found["VersionId"])
        for upload in self.client.list_multipart_uploads(Bucket=name).get("Uploads", []):
            self.client.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
        self.client.delete_bucket(Bucket=name)

    @cached_property
    def client(self) -> "S3Client":
        """A plain client of boto's."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS[KEYS[0]],
            aws_secret_access_key=CREDENTIALS[KEYS[1]],
            config=Config(request_checksum_calculation="when_required", s3={"addressing_style": "path"}),
        )


@contextmanager
def running_server() -> Iterator[S3Server]:
    """The real server, or moto's for as long as the block lasts."""
    if REAL_SERVER:
        yield S3Server(REAL_SERVER)
        return
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    server._server.app = one_write_at_a_time(server._server.app)
    try:
        host, port = server.get_host_and_port()
        yield S3Server(f"http://{host}:{port}")
    finally:
        server.stop()
        server._server.server_close()


def one_write_at_a_time(app: "WSGIApplication") -> "WSGIApplication":
    """moto looks whether an object is there, and then writes it: two writers at once could both find it missing."""
    lock = Lock()

    def serialised(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "PUT":
            return app(environ, start)
        # A writer that stops in the middle of its body must not keep the others waiting.
        environ["wsgi.input"] = BytesIO(whole_body(environ))
        with lock:
            return list(app(environ, start))

    return serialised


def whole_body(environ: "WSGIEnvironment") -> bytes:
    """The body of a request, read to its end."""
    if environ.get("wsgi.input_terminated"):  # a chunked body, which says itself where it ends
        return environ["wsgi.input"].read()
    return environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
