"""The whole chain for real, small: photos from a bucket, artifacts into a bucket, and what people do with them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.desk import Desk, retrain
from tests.s3_server import KEYS, S3Server

GUIDE = (Path(__file__).parents[2] / "docs/store.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server, sample_data: Path) -> str:
    """A bucket that holds a drawn data set."""
    name = s3_server.new_bucket()
    for path in sample_data.rglob("*"):
        if path.is_file():
            s3_server.client.upload_file(str(path), name, f"photos/{path.relative_to(sample_data).as_posix()}")
    return name


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server, bucket: str, sample_data: Path) -> Desk:
    """A desk whose store is in the bucket, with a copy of the data."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "data").symlink_to(sample_data)
    store = {"FOLDLINE_STORE": f"s3://{bucket}/store", "AWS_ENDPOINT_URL_S3": s3_server.url}
    return Desk(folder, {**s3_server.environment, **store})


@pytest.fixture(scope="module")
def first(desk: Desk, bucket: str) -> list[str]:
    """What the first run prints."""
    return desk.run(*retrain_from(bucket))


def retrain_from(bucket: str) -> list[str]:
    return [part.replace("data", f"s3://{bucket}/photos") if part == "data" else part for part in retrain()]


def printed(desk: Desk, *command: str) -> str:
    return "\n".join(desk.run(*command))


def test_run_from_bucket_to_bucket_makes_a_checked_submission(desk: Desk, first: list[str], bucket: str) -> None:
    assert any(line.startswith(f"submission  s3://{bucket}/store/steps/submission/") for line in first)
    desk.run("get", "latest", "submission.csv", "-o", "from-bucket.csv")
    rows = (desk.folder / "from-bucket.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == [
        row.split(",")[0] for row in (desk.folder / "data/eval/info.csv").read_text().splitlines()
    ]


def test_second_run_reuses_everything_and_a_local_copy_of_the_data_makes_the_same(
    desk: Desk, first: list[str], bucket: str
) -> None:
    assert first
    again = desk.run(*retrain_from(bucket))
    assert len([line for line in again if line.endswith(": reused")]) == 14
    assert "14 steps: 14 reused, 0 to run" in printed(desk, "plan", *retrain()[1:])


def test_another_machine_has_the_same_bytes(desk: Desk, first: list[str], tmp_path: Path) -> None:
    assert first
    other = Desk(tmp_path, desk.environment)
    for machine in (desk, other):
        machine.run("get", "latest", "fold-0", "-o", "model")
    files = {path.name: path.read_bytes() for path in (desk.folder / "model").iterdir()}
    assert "weights.safetensors" in files
    assert {path.name: path.read_bytes() for path in (other.folder / "model").iterdir()} == files


def test_everything_about_a_run_can_be_asked_of_a_bucket(desk: Desk, first: list[str], bucket: str) -> None:
    run = next(line.split()[1] for line in first if line.startswith("run "))
    assert "fold-1/weights.safetensors" in printed(desk, "ls", run)
    assert printed(desk, "cat", run, "submission.csv").startswith("ImageID,ans\n")
    assert "catalog" in printed(desk, "lineage", run)
    assert "same" in printed(desk, "diff", run, run)
    desk.run("tag", run, "champion")
    assert run in printed(desk, "show", "champion")
    assert f"{bucket}/store/steps/report/" in printed(desk, "link", "champion", "report.html")
    assert "all is well" in printed(desk, "fsck")
    desk.run("gc", "--keep-last", "1", "--delete")
    assert "all is well" in printed(desk, "fsck")
    assert printed(desk, "cat", "champion", "submission.csv").startswith("ImageID,ans\n")


def test_no_secret_is_written_anywhere(desk: Desk, first: list[str], bucket: str, s3_server: S3Server) -> None:
    secret = desk.environment[KEYS[1]].encode()
    assert secret not in "\n".join(first).encode()
    files = [path for path in desk.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any(path.name == "prefect.db" for path in files)
    assert [path for path in files if secret in path.read_bytes()] == []
    pages = s3_server.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="store/")
    keys = [found["Key"] for page in pages for found in page["Contents"]]
    assert any(key.endswith("report.html") for key in keys)
    for key in keys:
        answer = s3_server.client.get_object(Bucket=bucket, Key=key)
        assert secret not in answer["Body"].read(), key
        assert secret.decode() not in str(answer["Metadata"]), key


def test_example_for_pandas_works_as_it_stands(desk: Desk, first: list[str], bucket: str) -> None:
    assert first
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    script = f"{example.replace('BUCKET', bucket)}\nprint(len(history), *history.columns)"
    shown = subprocess.run(
        [sys.executable, "-c", script], env=user_environment(desk), capture_output=True, text=True, check=True
    ).stdout
    assert shown.split()[0] == "1"
    assert "epoch" in shown


@pytest.mark.skipif(not shutil.which("aws"), reason="the AWS command line is not installed")
def test_examples_for_the_aws_command_line_work_as_they_stand(desk: Desk, first: list[str], bucket: str) -> None:
    run = next(line.split()[1] for line in first if line.startswith("run "))
    shown = [
        subprocess.run(
            [*line.replace("BUCKET", bucket).split(), "--endpoint-url", desk.environment["AWS_ENDPOINT_URL_S3"]],
            env=user_environment(desk),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for line in re.findall(r"^(aws .*)$", GUIDE, re.MULTILINE)
    ]
    assert run in shown[0]
    assert "submission.csv" in shown[1]


def user_environment(desk: Desk) -> dict[str, str]:
    """What somebody who reads the bucket with other tools has set."""
    path = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**path, **desk.environment, "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.mark.parametrize("url", ["s3://AKIAKEY:topsecret@bucket/photos", "s3://user@bucket/photos"])
def test_credentials_in_a_url_are_refused_before_anything_is_noted(desk: Desk, url: str) -> None:
    for command in (("validate", "--data", url), ("runs", "--store", url)):
        shown = "\n".join(desk.run(*command, status=2))
        assert "must not hold credentials" in shown
        assert "topsecret" not in shown
