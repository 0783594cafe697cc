from pathlib import Path

import pytest

from tasks.corrections.source import open_source, read_source, shipped_corrections
from tasks.errors import ConfigError
from tests.s3_server import S3Server


@pytest.mark.parametrize("place", ["mine.csv", "./mine.csv", "deep/mine.csv", "../mine.csv"])
def test_path_is_that_of_a_file(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(place).parent.mkdir(exist_ok=True)
    Path(place).write_bytes(b"rows")
    assert read_source(place) == read_source(str(Path(place).resolve())) == b"rows"


def test_file_of_the_root_is_looked_for_there() -> None:
    folder, name = open_source("/mine.csv")
    assert (folder.url, name) == ("/", "mine.csv")


@pytest.mark.parametrize("key", ["mine.csv", "data/fixes/mine.csv"])
def test_url_is_that_of_an_object(bucket: str, s3_server: S3Server, key: str) -> None:
    s3_server.client.put_object(Bucket=bucket, Key=key, Body=b"rows")
    assert read_source(f"s3://{bucket}/{key}") == b"rows"


def test_object_that_is_not_there_is_named(bucket: str) -> None:
    with pytest.raises(ConfigError, match=rf"The corrections s3://{bucket}/mine\.csv cannot be read: No such object\."):
        read_source(f"s3://{bucket}/mine.csv")


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"The corrections .*mine\.csv cannot be read: No such file.* Mend the path\."
    ):
        read_source(str(tmp_path / "mine.csv"))


def test_url_must_not_hold_credentials() -> None:
    with pytest.raises(ConfigError, match="must not hold credentials") as raised:
        open_source("s3://key:topsecret@bucket/mine.csv")
    assert "topsecret" not in str(raised.value)


@pytest.mark.parametrize("name", shipped_corrections())
def test_name_is_that_of_a_file_that_ships(name: str) -> None:
    assert read_source(name).startswith(b"path,attribute,old,new,why,who,date\n")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("competiton", r"There are no corrections 'competiton'\. Did you mean competition\?"),
        ("mine", r"There are no corrections 'mine'\. There are: .*competition.*; or give the path of a CSV file\."),
        ("", r"There are no corrections ''\."),
    ],
)
def test_name_that_does_not_ship_is_an_error_that_says_what_does(name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        open_source(name)
