"""Sets a bucket up for a store of Foldline, or prints the least rights that a role needs in it.

    .venv/bin/python infra/bucket.py s3://BUCKET [--region REGION] [--dry-run] [--without PART ...]
    .venv/bin/python infra/bucket.py policy ROLE s3://BUCKET/PREFIX

Prints a line a part, `part  what it was -> what it is now` or `part  ok already`, and changes nothing that is well: run
it as often as you like, with the credentials of the bucket's owner. Exits 1 if the server does not offer a part.
"""

import argparse
import re
import sys
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from botocore.exceptions import ClientError

from tasks.errors import ConfigError, FoldlineError, StoreError
from tasks.store.s3 import errors
from tasks.store.s3.errors import NOT_THERE, code_of, told
from tasks.store.s3.settings import S3Settings, connect, split_url

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import BucketLocationConstraintType

POLICIES = Path(__file__).parent / "policies"
DAYS = 7
"""After which an upload in parts that never ended is aborted: none of ours takes so long."""
RULE = "foldline-abort-unfinished-uploads"
NO_SUCH_CALL = {"NotImplemented", "MethodNotAllowed", "501", "405"}
WITHOUT_LOCATION = {"us-east-1", "aws-global"}
"""Regions that must not be named when a bucket is made: where it is made if none is named, and one that is no place."""
PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each look whether a change has come through: AWS may take a while."""

NOT_DONE = " (not done)"

REMEDIES = {
    **errors.REMEDIES,
    "BucketAlreadyExists": "The name is taken by somebody else: choose another.",
    "AccessDenied": "Use the credentials of the bucket's owner.",
    "403": "The keys are wrong or lack the right, or the bucket is somebody else's: then choose another name.",
    "InvalidLocationConstraint": "Name a region that the server has, with --region.",
    "IllegalLocationConstraintException": "Name the region that the server is in, with --region.",
}

State = TypeVar("State")


class NotOfferedError(FoldlineError):
    """The server does not know a call, or does not do what it is told."""


class Part(ABC, Generic[State]):
    """One thing about a bucket that ought to be so."""

    name: ClassVar[str]
    goal: ClassVar[str]
    """How it ought to be, as a person reads it."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self.client = client
        self.bucket = bucket

    @abstractmethod
    def read(self) -> State:
        """How it is at present. Raises NotOfferedError."""

    @abstractmethod
    def describe(self, state: State) -> str:
        """A state as a person reads it."""

    @abstractmethod
    def is_well(self, state: State) -> bool:
        """Whether a state may stay: it is as it ought to be, or somebody has chosen it and must have had a reason."""

    @abstractmethod
    def mend(self, state: State) -> None:
        """Change a state that may not stay. Raises NotOfferedError."""

    def remark(self, state: State) -> str:
        """What to say of a state that stays."""
        del state
        return "ok already"


class _PublicAccess(Part[dict[str, bool]]):
    """Whatever an object's ACL or the bucket's policy says, nobody reads without credentials."""

    name = "public-access"
    goal = "all blocked"
    flags = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")

    def read(self) -> dict[str, bool]:
        with _absent("NoSuchPublicAccessBlockConfiguration"):
            found = self.client.get_public_access_block(Bucket=self.bucket)
            _refuse_without(found, "PublicAccessBlockConfiguration")
            return cast("dict[str, bool]", found["PublicAccessBlockConfiguration"])
        return {}

    def describe(self, state: dict[str, bool]) -> str:
        return self.goal if self.is_well(state) else ", ".join(filter(state.get, self.flags)) or "not blocked"

    def is_well(self, state: dict[str, bool]) -> bool:
        return all(state.get(flag) for flag in self.flags)

    def mend(self, state: dict[str, bool]) -> None:
        was_writable = self._is_writable()
        self._put(dict.fromkeys(self.flags, True))
        if was_writable and not self._is_writable():  # Ceph takes every object for one with a public ACL
            self._put(dict.fromkeys(self.flags, False) | state)
            raise NotOfferedError("with it, it refused every write, so it was put back")

    def _put(self, state: dict[str, bool]) -> None:
        self.client.put_public_access_block(Bucket=self.bucket, PublicAccessBlockConfiguration=cast("Any", state))

    def _is_writable(self) -> bool:
        key = f"probe/{uuid.uuid4().hex}"
        with suppress(ClientError):
            self.client.put_object(Bucket=self.bucket, Key=key, Body=b"")
            with suppress(ClientError):
                self.client.delete_object(Bucket=self.bucket, Key=key)
            return True
        return False


class _Encryption(Part[str | None]):
    """What is sent without a word about encryption is encrypted with a key of the server's."""

    name = "encryption"
    goal = "AES256"

    def read(self) -> str | None:
        with _absent("ServerSideEncryptionConfigurationNotFoundError"):
            found = self.client.get_bucket_encryption(Bucket=self.bucket)["ServerSideEncryptionConfiguration"]
            _refuse_without(found, "Rules")
            return found["Rules"][0].get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm")
        return None

    def describe(self, state: str | None) -> str:
        return state or "none"

    def is_well(self, state: str | None) -> bool:
        return state is not None

    def mend(self, state: str | None) -> None:
        del state
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": self.goal}}
        self.client.put_bucket_encryption(
            Bucket=self.bucket, ServerSideEncryptionConfiguration=cast("Any", {"Rules": [rule]})
        )

    def remark(self, state: str | None) -> str:
        if state == self.goal:
            return super().remark(state)
        return f"{state}, and stays so. Whoever uses the store needs the right to use its key, too."


class _Ownership(Part[str | None]):
    """Objects belong to the bucket's owner, whoever wrote them, and ACLs count for nothing."""

    name = "ownership"
    goal = "BucketOwnerEnforced"

    def read(self) -> str | None:
        with _absent("OwnershipControlsNotFoundError"):
            found = self.client.get_bucket_ownership_controls(Bucket=self.bucket)["OwnershipControls"]
            _refuse_without(found, "Rules")
            return found["Rules"][0]["ObjectOwnership"]
        return None

    def describe(self, state: str | None) -> str:
        return state or "none"

    def is_well(self, state: str | None) -> bool:
        return state == self.goal

    def mend(self, state: str | None) -> None:
        del state
        controls = {"Rules": [{"ObjectOwnership": self.goal}]}
        self.client.put_bucket_ownership_controls(Bucket=self.bucket, OwnershipControls=cast("Any", controls))


class _Lifecycle(Part[dict[str, Any]]):
    """Parts of an upload that nobody ends cost money, and no listing shows them."""

    name = "lifecycle"
    goal = f"aborts unfinished uploads after {DAYS} days"

    def read(self) -> dict[str, Any]:
        with _absent("NoSuchLifecycleConfiguration"):
            found = self.client.get_bucket_lifecycle_configuration(Bucket=self.bucket)
            _refuse_without(found, "Rules")
            return {key: value for key, value in found.items() if key != "ResponseMetadata"}
        return {"Rules": []}

    def describe(self, state: dict[str, Any]) -> str:
        days = _abort_after(state["Rules"])
        what = "never aborts unfinished uploads" if days is None else f"aborts unfinished uploads after {days} days"
        return f"{what} (rules: {len(state['Rules'])})"

    def is_well(self, state: dict[str, Any]) -> bool:
        days = _abort_after(state["Rules"])
        return days is not None and days <= DAYS

    def mend(self, state: dict[str, Any]) -> None:
        rule = {
            "ID": RULE,
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": DAYS},
        }
        others = [_with_filter(other) for other in state["Rules"] if other.get("ID") != RULE]
        self.client.put_bucket_lifecycle_configuration(
            **{key: value for key, value in state.items() if key != "Rules"},  # left out, it would be reset
            Bucket=self.bucket,
            LifecycleConfiguration=cast("Any", {"Rules": [*others, rule]}),
        )


class _Versioning(Part[str | None]):
    """Ought to be off, but is not ours to turn off: whoever has turned it on may rely on it."""

    name = "versioning"
    goal = "off"

    def read(self) -> str | None:
        with _absent(*NO_SUCH_CALL):
            return self.client.get_bucket_versioning(Bucket=self.bucket).get("Status")
        return None

    def describe(self, state: str | None) -> str:
        return state or self.goal

    def is_well(self, state: str | None) -> bool:
        del state
        return True

    def mend(self, state: str | None) -> None:
        """Never called: every state may stay."""

    def remark(self, state: str | None) -> str:
        if state != "Enabled":
            return super().remark(state)
        return (
            "enabled, and stays so. What `foldline gc` deletes will live on as old versions, which cost as much. On "
            "Ceph there can be no store, as several writers can create one object. Suspend it, or take another bucket."
        )


PARTS: tuple[type[Part[Any]], ...] = (_PublicAccess, _Encryption, _Ownership, _Lifecycle, _Versioning)


def main(arguments: Sequence[str] | None = None) -> None:
    """Set a bucket up or print a policy; exit 1 with a line if that cannot be done."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["policy"]:
            _print_policy(given[1:])
        else:
            _set_up(given)
    except FoldlineError as error:
        sys.exit(str(error))


def policy(role: str, url: str) -> str:
    """The IAM policy of a role in the store at `url`, from a file in `policies`.

    Raises:
        ConfigError: it is no URL of a store, or IAM would read more into it.
    """
    bucket, prefix = split_url(url)
    if wrong := sorted(set(re.findall(r'[*$"\\]', prefix))):
        raise ConfigError(f"{url!r} has {' '.join(wrong)} in it, which mean more in a policy. Choose another prefix.")
    text = (POLICIES / f"{role}.json").read_text(encoding="utf-8")
    return text.replace("${PREFIX}/", f"{prefix}/" if prefix else "").replace("${BUCKET}", bucket)


def _print_policy(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="bucket.py policy", description="Print the least rights that a role needs.")
    parser.add_argument("role", choices=sorted(path.stem for path in POLICIES.glob("*.json")))
    parser.add_argument("store", help="s3://BUCKET/PREFIX, or s3://BUCKET")
    options = parser.parse_args(arguments)
    print(policy(options.role, options.store), end="")


def _set_up(arguments: Sequence[str]) -> None:
    options = _parser().parse_args(arguments)
    bucket, prefix = split_url(options.bucket)
    if prefix:
        raise ConfigError(f"Buckets are set up as a whole. Write s3://{bucket}.")
    settings = S3Settings.from_environment()
    with told(options.bucket), _refusals_told(options.bucket):
        client = connect(settings.model_copy(update={"region": options.region or settings.region}))
        is_there = _make(client, bucket, options.region, dry_run=options.dry_run)
        parts = [part(client, bucket) for part in PARTS if part.name not in options.without]
        missing = [part.name for part in parts if not _settle(part, is_there=is_there, dry_run=options.dry_run)]
    if missing:
        raise NotOfferedError(
            f"{len(missing)} of {len(parts)} parts are not offered by this server. See to them by its own means, if it "
            f"has any, and leave them out: --without {' '.join([*options.without, *missing])}"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bucket", help="s3://BUCKET")
    parser.add_argument("--region", help="where to make it; else what the environment or the profile says")
    parser.add_argument("--dry-run", action="store_true", help="only print what would change")
    names = [part.name for part in PARTS]
    parser.add_argument("--without", nargs="+", default=[], metavar="PART", choices=names, help=", ".join(names))
    return parser


def _make(client: "S3Client", bucket: str, region: str | None, *, dry_run: bool) -> bool:
    """Make the bucket unless it is there; returns whether it is."""
    with _absent(*NOT_THERE):
        found = client.head_bucket(Bucket=bucket).get("BucketRegion")
        if region and found and region != found:
            raise StoreError(
                f"s3://{bucket} is in {found}, not in {region}. Choose another name, or leave out --region."
            )
        _say("bucket", "ok already")
        return True
    where = client.meta.region_name
    if dry_run:
        _say("bucket", f"none -> in {where}{NOT_DONE}")
        return False
    if where in WITHOUT_LOCATION:
        client.create_bucket(Bucket=bucket)
    else:
        location = cast("BucketLocationConstraintType", where)
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": location})
    _say("bucket", f"none -> in {where}")
    return True


def _settle(part: Part[Any], *, is_there: bool, dry_run: bool) -> bool:
    """See to a part and print what came of it; returns whether the server offers it."""
    try:
        with _unknown_calls_told():
            outcome = _outcome(part, dry_run=dry_run) if is_there else f"as new buckets are -> {part.goal}{NOT_DONE}"
    except NotOfferedError as error:
        _say(part.name, ": ".join(filter(None, ["not offered by this server", str(error)])))
        return False
    _say(part.name, outcome)
    return True


def _outcome(part: Part[Any], *, dry_run: bool) -> str:
    state = part.read()
    if part.is_well(state):
        return part.remark(state)
    was = part.describe(state)
    if dry_run:
        return f"{was} -> {part.goal}{NOT_DONE}"
    part.mend(state)
    for pause in PAUSES:
        time.sleep(pause)
        state = part.read()
        if part.is_well(state):
            return f"{was} -> {part.describe(state)}"
    raise NotOfferedError("it took the change and did not keep it")


def _say(name: str, what: str) -> None:
    print(f"{name:<14} {what}", flush=True)


def _refuse_without(answer: Mapping[str, object], key: str) -> None:
    """Raise NotOfferedError if an answer lacks what it is about.

    A server that does not know what it is asked of a bucket may list it instead, and boto finds nothing in that.
    """
    if not answer.get(key):
        raise NotOfferedError


def _abort_after(rules: Sequence[dict[str, Any]]) -> int | None:
    """Days after which an unfinished upload is aborted, wherever it is in the bucket; None if it never is."""
    days = [
        rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        for rule in rules
        if rule["Status"] == "Enabled"
        and "AbortIncompleteMultipartUpload" in rule
        and not any({"Prefix": rule.get("Prefix"), **rule.get("Filter", {})}.values())
    ]
    return min(days, default=None)


def _with_filter(rule: dict[str, Any]) -> dict[str, Any]:
    """The same rule as it is written today: AWS refuses older ones beside newer ones."""
    if "Prefix" not in rule:
        return rule
    return {**{key: value for key, value in rule.items() if key != "Prefix"}, "Filter": {"Prefix": rule["Prefix"]}}


@contextmanager
def _absent(*codes: str) -> Iterator[None]:
    """Leave the block quietly if the server says, in one of these words, that there is none."""
    try:
        yield
    except ClientError as error:
        if code_of(error) not in codes:
            raise


@contextmanager
def _unknown_calls_told() -> Iterator[None]:
    """Turn what servers answer to a call that they do not know into NotOfferedError."""
    try:
        yield
    except ClientError as error:
        if not {code_of(error), str(error.response["ResponseMetadata"]["HTTPStatusCode"])} & NO_SUCH_CALL:
            raise
        raise NotOfferedError from error


@contextmanager
def _refusals_told(url: str) -> Iterator[None]:
    """Turn refusals of the server, which have other remedies here than where a store is used, into StoreError."""
    try:
        yield
    except ClientError as error:
        code = code_of(error)
        what = error.response.get("Error", {}).get("Message") or "no reason given"
        remedy = REMEDIES.get(code, "")
        raise StoreError(
            f"{url}: the server refuses {error.operation_name} ({code}: {what}). {remedy}".strip()
        ) from error
    except FoldlineError:
        raise
    except ValueError as error:  # boto makes nothing of the endpoint's URL
        raise ConfigError(f"{url}: {error}. Check FOLDLINE_S3_ENDPOINT or AWS_ENDPOINT_URL_S3.") from error


if __name__ == "__main__":
    main()
