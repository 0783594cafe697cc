"""The rights that infra/policies grant are those that Foldline uses: all of them, and no others."""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import tasks.store
from flows.cli import main
from tasks.store import Artifact, ArtifactRef, Backend, Ledger, Step, open_backend
from tasks.store.checkpoints import Checkpoints
from tasks.store.folder import FolderBackend
from tasks.store.runs import advance_latest, recorded_run
from tasks.store.s3 import settings
from tests.s3_server import S3Server

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client

ACTIONS = {
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "CompleteMultipartUpload": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "DeleteObject": "s3:DeleteObject",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListObjectsV2": "s3:ListBucket",
    "ListParts": "s3:ListMultipartUploadParts",
    "PutObject": "s3:PutObject",
    "UploadPart": "s3:PutObject",
}
"""The right that each call needs: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html"""
STEP = Step("some", "tasks.classes")


@dataclass(frozen=True)
class Call:
    """What a client asked of the server."""

    action: str
    resource: str
    prefix: str | None = None


@dataclass
class Role:
    """Does something to a store, and remembers its calls."""

    store: str
    calls: set[Call] = field(default_factory=set)

    def record(self, params: dict[str, Any], model: "OperationModel", **_: object) -> None:
        key = f"/{params['Key']}" if "Key" in params else ""
        call = Call(ACTIONS[model.name], f"arn:aws:s3:::{params['Bucket']}{key}", params.get("Prefix"))
        self.calls.add(call)


@pytest.fixture
def role(bucket: str, monkeypatch: pytest.MonkeyPatch) -> Role:
    role = Role(f"s3://{bucket}/team/store")
    connect = settings.connect

    def recorded(given: settings.S3Settings) -> "S3Client":
        client = connect(given)
        client.meta.events.register("provide-client-params.s3", role.record)
        return client

    monkeypatch.setattr(settings, "connect", recorded)
    return role


def write(folder: Path) -> None:
    """A small file and one of several parts."""
    (folder / "small").write_text("1")
    (folder / "large").write_bytes(b"2" * (20 << 20))


def make(backend: Backend) -> Artifact:
    """An artifact of two files, with a checkpoint on the way."""
    ledger = Ledger(backend)
    checkpoints = ledger.checkpoints(STEP, {}, None)

    def compute(folder: Path) -> dict[str, Any]:
        checkpoints.save(1, write)
        checkpoints.latest()
        write(folder)
        return {}

    return ledger.produce(STEP, {}, None, compute, checkpoints)


def train(role: Role) -> None:
    """All that a flow does to a store: small files and large ones, the latter once more where an upload was cut off."""
    backend = open_backend(role.store)
    backend.check()
    with recorded_run(backend, "retrain", "sample", {}, "photos") as run:
        artifact = make(backend)
        run.keep("some", artifact.ref, reused=False)
        artifact.paths()
    advance_latest(backend, run.start.run)


def read(role: Role) -> None:
    """All that somebody does who looks a store up."""
    for command in ("runs", "show", "ls", "lineage", "link latest small", "cat latest small", "diff latest latest"):
        main([*command.split(), "--store", role.store])


def keep_house(role: Role) -> None:
    """All that housekeeping does."""
    backend = open_backend(role.store)
    Checkpoints(backend, ArtifactRef(step="some", key="0" * 64)).save(1, write)
    for _ in range(2):
        with recorded_run(backend, "retrain", "sample", {}, "photos"):
            pass
    role.calls.clear()
    for command in ("fsck", "gc", "gc --keep-last 1 --delete"):
        main([*command.split(), "--store", role.store])
    backend.drop_unfinished(datetime.now(UTC) + timedelta(hours=1))


@pytest.fixture(scope="module")
def bucket_script() -> ModuleType:
    path = Path(__file__).parents[2] / "infra/bucket.py"
    spec = importlib.util.spec_from_file_location("bucket", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "work"),
    [("trainer", train), ("reader", read), ("housekeeper", keep_house)],
    ids=["trainer", "reader", "housekeeper"],
)
def test_role_may_do_what_it_does_and_has_no_right_that_it_does_not_use(
    role: Role, s3_server: S3Server, tmp_path: Path, bucket_script: ModuleType, name: str, work: Callable[[Role], None]
) -> None:
    if work is not train:
        train(role)
        tasks.store._bucket.cache_clear()  # as another process would, it tries the server itself
    bucket = role.store.split("/")[2]
    cut_off = f"team/store/{make(FolderBackend(tmp_path / 'store')).root}/large"
    s3_server.client.create_multipart_upload(Bucket=bucket, Key=cut_off)
    role.calls.clear()
    work(role)
    statements = json.loads(bucket_script.policy(name, role.store))["Statement"]
    refused = [call for call in role.calls if not any(grants(statement, call) for statement in statements)]
    assert refused == []
    unused = [
        (statement["Sid"], action)
        for statement in statements
        for action in statement["Action"]
        if not any(grants({**statement, "Action": [action]}, call) for call in role.calls)
    ]
    assert unused == []


@pytest.mark.parametrize("name", ["trainer", "reader", "housekeeper"])
def test_role_is_told_that_an_object_is_missing_but_sees_nothing_beside_the_store(
    bucket_script: ModuleType, name: str
) -> None:
    statements = json.loads(bucket_script.policy(name, "s3://photos/team/store"))["Statement"]

    def may(call: Call) -> bool:
        return any(grants(statement, call) for statement in statements)

    # Without the right to list, S3 answers "forbidden" instead of "not there"; it asks for it without any prefix.
    assert may(Call("s3:ListBucket", "arn:aws:s3:::photos"))
    for prefix in ("", "team/", "team/store-of-others/", "other/"):
        assert not may(Call("s3:ListBucket", "arn:aws:s3:::photos", prefix))
    for key in ("foldline.json", "team/other", "team/store-of-others/x", "team/store"):
        for action in set(ACTIONS.values()) - {"s3:ListBucket", "s3:ListBucketMultipartUploads"}:
            assert not may(Call(action, f"arn:aws:s3:::photos/{key}"))


def grants(statement: dict[str, Any], call: Call) -> bool:
    """Whether a statement of a policy allows a call, as AWS would say."""
    wanted = statement.get("Condition", {}).get("StringLikeIfExists", {}).get("s3:prefix")
    return (
        statement["Effect"] == "Allow"
        and call.action in statement["Action"]
        and any(fnmatchcase(call.resource, pattern) for pattern in statement["Resource"])
        and (wanted is None or call.prefix is None or any(fnmatchcase(call.prefix, pattern) for pattern in wanted))
    )
