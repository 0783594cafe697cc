"""A bucket's set-up, over a real server; and the policies."""

import importlib.util
import io
import json
import logging
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from moto.server import ThreadedMotoServer
from urllib3 import HTTPResponse

from tasks.store.s3 import settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCRIPT = Path(__file__).parents[2] / "infra" / "bucket.py"
PARTS = ["public-access", "encryption", "ownership", "lifecycle", "versioning"]
ROLES = ["reader", "trainer", "housekeeper"]
NAME = "set-up"
URL = f"s3://{NAME}"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bucket_script", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture
def client(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator["S3Client"]:
    """A client of a server that is empty; the script finds the same one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-key-of-no-worth")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-key-of-no-worth")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = settings.connect(settings.S3Settings())
    yield client
    for bucket in client.list_buckets()["Buckets"]:
        client.delete_bucket(Bucket=bucket["Name"])


@dataclass
class Answer:
    """What a server answers in place of ours, if `status` is given."""

    status: int | None
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    happens: Callable[[], None] = lambda: None

    def to(self, request: AWSPreparedRequest) -> AWSResponse | None:
        self.happens()
        if self.status is None:
            return None
        raw = HTTPResponse(io.BytesIO(self.body.encode()), preload_content=False)
        headers = HTTPHeaders()
        for name, value in self.headers.items():
            headers[name] = value
        return AWSResponse(request.url, self.status, headers, raw)


@pytest.fixture
def requests() -> list[AWSPreparedRequest]:
    """What the script has asked of the server."""
    return []


@pytest.fixture
def answers(
    script: ModuleType, requests: list[AWSPreparedRequest], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Answer]:
    """By the name of a call: what the script gets to hear."""
    answers: dict[str, Answer] = {}

    def answer(request: AWSPreparedRequest, event_name: str, **_: object) -> Any:  # noqa: ANN401 -- its type says None
        requests.append(request)
        call = event_name.rpartition(".")[2]
        return answers[call].to(request) if call in answers else None

    def connect(given: settings.S3Settings) -> "S3Client":
        client = settings.connect(given)
        client.meta.events.register("before-send.s3", answer)
        return client

    monkeypatch.setattr(settings, "ATTEMPTS", 1)
    monkeypatch.setattr(script, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(script, "connect", connect)
    return answers


@pytest.fixture
def lines(script: ModuleType, client: "S3Client", capsys: pytest.CaptureFixture[str]) -> "Lines":
    del client
    return Lines(script, capsys)


class Lines:
    """Runs the script; returns what it says of each part."""

    def __init__(self, script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
        self.script = script
        self.capsys = capsys

    def __call__(self, *options: str) -> dict[str, str]:
        try:
            self.script.main([URL, *options])
        finally:
            self.said = dict(line.split(maxsplit=1) for line in self.capsys.readouterr().out.splitlines())
        return self.said


def test_a_new_bucket_gets_everything(lines: Lines, client: "S3Client") -> None:
    said = lines()
    assert list(said) == ["bucket", *PARTS]
    assert said["bucket"] == "none -> in us-east-1"
    assert said["ownership"] == "none -> BucketOwnerEnforced"
    assert all(client.get_public_access_block(Bucket=NAME)["PublicAccessBlockConfiguration"].values())
    rule = client.get_bucket_encryption(Bucket=NAME)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    controls = client.get_bucket_ownership_controls(Bucket=NAME)["OwnershipControls"]
    assert controls["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert rules_of(client)[0]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert "Status" not in client.get_bucket_versioning(Bucket=NAME)
    assert not client.list_objects_v2(Bucket=NAME)["KeyCount"]


def test_second_time_changes_nothing(lines: Lines) -> None:
    lines()
    assert lines() == dict.fromkeys(["bucket", *PARTS], "ok already")


def test_dry_run_makes_no_bucket(lines: Lines, client: "S3Client") -> None:
    said = lines("--dry-run")
    assert said["bucket"] == "none -> in us-east-1 (not done)"
    assert client.list_buckets()["Buckets"] == []


def test_dry_run_changes_no_bucket(lines: Lines, client: "S3Client") -> None:
    client.create_bucket(Bucket=NAME)
    said = lines("--dry-run")
    assert said["lifecycle"].endswith("-> aborts unfinished uploads after 7 days (not done)")
    assert lines("--dry-run") == said
    with pytest.raises(client.exceptions.ClientError, match="NoSuchLifecycleConfiguration"):
        client.get_bucket_lifecycle_configuration(Bucket=NAME)


def test_what_is_left_out_is_left_alone(lines: Lines, client: "S3Client") -> None:
    assert list(lines("--without", "lifecycle", "ownership")) == ["bucket", "public-access", "encryption", "versioning"]
    with pytest.raises(client.exceptions.ClientError, match="NoSuchLifecycleConfiguration"):
        client.get_bucket_lifecycle_configuration(Bucket=NAME)


def test_a_bucket_is_made_in_its_region(lines: Lines, client: "S3Client") -> None:
    assert lines("--region", "eu-central-1")["bucket"] == "none -> in eu-central-1"
    assert client.get_bucket_location(Bucket=NAME)["LocationConstraint"] == "eu-central-1"


def test_a_bucket_in_another_region_is_refused(lines: Lines) -> None:
    lines("--region", "eu-central-1")
    with pytest.raises(SystemExit, match="is in eu-central-1, not in eu-west-1"):
        lines("--region", "eu-west-1")


def test_rules_of_others_stay(lines: Lines, client: "S3Client") -> None:
    client.create_bucket(Bucket=NAME)
    theirs = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "scratch/"}, "Expiration": {"Days": 3}}
    write_rules(client, theirs)
    assert lines()["lifecycle"] == (
        "never aborts unfinished uploads (rules: 1) -> aborts unfinished uploads after 7 days (rules: 2)"
    )
    assert rules_of(client)[0] == theirs


def test_a_rule_in_the_old_style_says_the_same_in_the_new(lines: Lines, client: "S3Client") -> None:
    client.create_bucket(Bucket=NAME)
    write_rules(client, {"ID": "old", "Status": "Enabled", "Prefix": "scratch/", "Expiration": {"Days": 3}})
    lines()
    old = rules_of(client)[0]
    assert (old["Filter"], old["Expiration"]) == ({"Prefix": "scratch/"}, {"Days": 3})


@pytest.mark.parametrize("prefix", [{"Prefix": ""}, {"Filter": {}}, {"Filter": {"Prefix": ""}}])
def test_a_stricter_rule_of_others_will_do(lines: Lines, client: "S3Client", prefix: dict[str, Any]) -> None:
    client.create_bucket(Bucket=NAME)
    write_rules(client, aborting(3, **prefix))
    assert lines()["lifecycle"] == "ok already"


@pytest.mark.parametrize(
    "changed", [{"Status": "Disabled"}, {"Filter": {"Prefix": "a/"}}, {"Filter": {"Tag": {"Key": "k", "Value": "v"}}}]
)
def test_a_rule_that_spares_some_uploads_will_not_do(lines: Lines, client: "S3Client", changed: dict[str, Any]) -> None:
    client.create_bucket(Bucket=NAME)
    write_rules(client, aborting(3, **{"Filter": {"Prefix": ""}, **changed}))
    assert lines()["lifecycle"].startswith("never aborts unfinished uploads (rules: 1) -> ")


def test_our_own_rule_is_set_right(lines: Lines, client: "S3Client", script: ModuleType) -> None:
    client.create_bucket(Bucket=NAME)
    write_rules(client, aborting(30, ID=script.RULE, Filter={"Prefix": ""}))
    assert lines()["lifecycle"].startswith("aborts unfinished uploads after 30 days (rules: 1) -> ")
    assert [rule["ID"] for rule in rules_of(client)] == [script.RULE]


def test_what_was_said_beside_the_rules_is_said_again(
    lines: Lines, client: "S3Client", answers: dict[str, Answer], requests: list[AWSPreparedRequest]
) -> None:
    client.create_bucket(Bucket=NAME)
    size = "x-amz-transition-default-minimum-object-size"
    rule = "<Rule><ID>a</ID><Status>Enabled</Status><Filter><Prefix>a/</Prefix></Filter></Rule>"
    body = f"<LifecycleConfiguration>{rule}</LifecycleConfiguration>"
    answers["GetBucketLifecycleConfiguration"] = Answer(200, body, {size: "varies_by_storage_class"})
    with pytest.raises(SystemExit, match="not offered"):  # it goes on saying the same
        lines("--without", "public-access")
    (sent,) = [request for request in requests if request.method == "PUT" and "lifecycle" in str(request.url)]
    assert sent.headers[size] == b"varies_by_storage_class"
    assert lines.said["lifecycle"] == "not offered by this server: it took the change and did not keep it"


def test_another_choice_of_encryption_stays(lines: Lines, client: "S3Client") -> None:
    client.create_bucket(Bucket=NAME)
    rule: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    client.put_bucket_encryption(Bucket=NAME, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert lines()["encryption"].startswith("aws:kms, and stays so.")
    assert lines.said["ownership"] == "none -> BucketOwnerEnforced"


def test_access_that_is_blocked_by_half_is_blocked_wholly(lines: Lines, client: "S3Client") -> None:
    client.create_bucket(Bucket=NAME)
    client.put_public_access_block(Bucket=NAME, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert lines()["public-access"] == "BlockPublicAcls -> all blocked"


def test_versioning_is_told_and_left(lines: Lines, client: "S3Client") -> None:
    client.create_bucket(Bucket=NAME)
    client.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
    assert lines("--without", "public-access")["versioning"].startswith("enabled, and stays so.")
    assert client.get_bucket_versioning(Bucket=NAME)["Status"] == "Enabled"


def test_a_server_without_versioning_has_it_off(lines: Lines, answers: dict[str, Answer]) -> None:
    answers["GetBucketVersioning"] = Answer(501, "<Error><Code>NotImplemented</Code></Error>")
    assert lines()["versioning"] == "ok already"


@pytest.mark.parametrize("code", ["NotImplemented", "MethodNotAllowed", "SomethingElse"])
@pytest.mark.parametrize("call", ["Get", "Put"])
def test_a_call_that_the_server_does_not_know_is_told(
    lines: Lines, answers: dict[str, Answer], code: str, call: str
) -> None:
    status = 405 if code == "MethodNotAllowed" else 501
    answers[f"{call}BucketEncryption"] = Answer(status, f"<Error><Code>{code}</Code></Error>")
    with pytest.raises(SystemExit, match=r"1 of 5 parts .* --without encryption$"):
        lines()
    assert lines.said["encryption"] == "not offered by this server"
    assert lines.said["lifecycle"].endswith("-> aborts unfinished uploads after 7 days (rules: 1)")
    assert "encryption" not in lines("--without", "encryption")


@pytest.mark.parametrize(
    ("call", "part"),
    [
        ("GetPublicAccessBlock", "public-access"),
        ("GetBucketEncryption", "encryption"),
        ("GetBucketOwnershipControls", "ownership"),
        ("GetBucketLifecycleConfiguration", "lifecycle"),
    ],
)
def test_an_answer_to_another_question_is_no_answer(
    lines: Lines, answers: dict[str, Answer], call: str, part: str
) -> None:
    answers[call] = Answer(200, "<ListBucketResult/>")
    with pytest.raises(SystemExit, match=rf"1 of 5 parts .* --without {part}$"):
        lines()
    assert lines.said[part] == "not offered by this server"


def test_a_block_that_lets_no_write_through_is_put_back(
    lines: Lines, client: "S3Client", answers: dict[str, Answer], requests: list[AWSPreparedRequest]
) -> None:
    def refuse_writes() -> None:
        if any(request.method == "PUT" and "publicAccessBlock" in str(request.url) for request in requests):
            answers["PutObject"] = Answer(403, "<Error><Code>AccessDenied</Code></Error>")

    answers["PutPublicAccessBlock"] = Answer(None, happens=refuse_writes)
    with pytest.raises(SystemExit, match="--without public-access"):
        lines()
    assert lines.said["public-access"] == (
        "not offered by this server: with it, it refused every write, so it was put back"
    )
    assert not any(client.get_public_access_block(Bucket=NAME)["PublicAccessBlockConfiguration"].values())


@pytest.mark.parametrize(
    ("call", "status", "code", "told"),
    [
        ("HeadBucket", 403, "", "refuses HeadBucket .* or the bucket is somebody else's"),
        ("CreateBucket", 409, "BucketAlreadyExists", "taken by somebody else: choose another"),
        ("CreateBucket", 403, "InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"),
        ("PutBucketOwnershipControls", 403, "AccessDenied", "refuses PutBucketOwnershipControls .* bucket's owner"),
    ],
)
def test_a_refusal_is_told_on_one_line(
    lines: Lines, answers: dict[str, Answer], call: str, status: int, code: str, told: str
) -> None:
    answers[call] = Answer(status, f"<Error><Code>{code}</Code></Error>" if code else "")
    with pytest.raises(SystemExit, match=told) as error:
        lines()
    assert str(error.value).startswith(f"{URL}: ")
    assert "\n" not in str(error.value)


def test_missing_credentials_are_told(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SystemExit, match="there are no credentials"):
        lines()


def test_a_server_that_is_not_there_is_told(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{port}")
    with pytest.raises(SystemExit, match="cannot be reached"):
        lines()


def test_a_wrong_url_of_the_server_is_told(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "localhost")
    with pytest.raises(SystemExit, match="Invalid endpoint: localhost"):
        lines()


def test_a_prefix_is_refused(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match="Write s3://bucket"):
        script.main(["s3://bucket/store"])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("prefix", ["store", "team/store", ""])
def test_a_policy_names_the_store_and_nothing_else(script: ModuleType, role: str, prefix: str) -> None:
    text = script.policy(role, f"s3://my-bucket/{prefix}")
    below = f"{prefix}/" if prefix else ""
    assert "${" not in text
    for statement in json.loads(text)["Statement"]:
        for resource in statement["Resource"]:
            assert resource == "arn:aws:s3:::my-bucket" or resource.startswith(f"arn:aws:s3:::my-bucket/{below}")
            assert "//" not in resource
        for condition in statement.get("Condition", {}).values():
            assert condition == {"s3:prefix": [f"{below}*"]}


def test_roles_are_those_that_are_documented() -> None:
    assert {path.stem for path in (SCRIPT.parent / "policies").iterdir()} == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_a_policy_allows_only_actions_that_it_names(script: ModuleType, role: str) -> None:
    document = json.loads(script.policy(role, "s3://bucket/store"))
    assert document["Version"] == "2012-10-17"
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        assert all(re.fullmatch(r"s3:[A-Za-z]+", action) for action in statement["Action"])


@pytest.mark.parametrize("prefix", ["a*", "${aws:username}"])
def test_a_prefix_that_means_more_to_iam_is_refused(script: ModuleType, prefix: str) -> None:
    with pytest.raises(SystemExit, match="Choose another prefix"):
        script.main(["policy", "reader", f"s3://bucket/{prefix}"])


def test_a_policy_is_printed(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    script.main(["policy", "reader", "s3://bucket/store"])
    assert json.loads(capsys.readouterr().out)["Statement"]


def aborting(days: int, **more: object) -> dict[str, Any]:
    """A rule that aborts unfinished uploads."""
    return {
        "ID": "theirs",
        "Status": "Enabled",
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
        **more,
    }


def write_rules(client: "S3Client", *rules: dict[str, Any]) -> None:
    client.put_bucket_lifecycle_configuration(Bucket=NAME, LifecycleConfiguration=cast("Any", {"Rules": rules}))


def rules_of(client: "S3Client") -> list[Any]:
    return [*client.get_bucket_lifecycle_configuration(Bucket=NAME)["Rules"]]
