from pathlib import Path

import pytest

from tasks.errors import ConfigError
from tasks.store.s3.settings import ATTEMPTS, S3Settings, connect, split_url


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("s3://bucket", ("bucket", "")),
        ("s3://bucket/", ("bucket", "")),
        ("s3://my.bucket-1/a/b/", ("my.bucket-1", "a/b")),
    ],
)
def test_url_is_a_bucket_and_a_prefix(url: str, parts: tuple[str, str]) -> None:
    assert split_url(url) == parts


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///a", "s3://b ucket/a", "s3://bucket/a//b", "s3://bucket/../a", "s3://bucket/a?x=1"]
)
def test_url_that_names_no_place_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"Write s3://bucket/prefix"):
        split_url(url)


def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="must not hold credentials") as told:
        split_url("s3://AKIA123:topsecret@bucket/prefix")
    assert "topsecret" not in str(told.value)
    with pytest.raises(ConfigError, match=r"FOLDLINE_S3_ENDPOINT: .* holds a name or a password") as told:
        S3Settings.from_environment({"FOLDLINE_S3_ENDPOINT": "https://user:topsecret@host"})
    assert "topsecret" not in str(told.value)


def test_wrong_settings_are_told_all_at_once() -> None:
    wrong = {"FOLDLINE_S3_ADDRESSING": "sideways", "FOLDLINE_S3_TIMEOUT": "soon", "FOLDLINE_S3_CHECKSUMS": "never"}
    with pytest.raises(ConfigError, match=r"3 settings of S3 are wrong: FOLDLINE_S3_ADDRESSING: .*'path'.*TIMEOUT"):
        S3Settings.from_environment(wrong)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"AWS_PROFILE": "nobody"}, "nobody"),
        ({"FOLDLINE_S3_ENDPOINT": "127.0.0.1:7480"}, "Invalid endpoint: 127.0.0.1:7480"),
        ({"FOLDLINE_S3_REGION": "bad region"}, "bad region"),
        ({"FOLDLINE_S3_TLS": "/nowhere.pem"}, "there is no file /nowhere.pem"),
    ],
)
def test_setting_that_no_client_can_be_made_with_is_told(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], told: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=told):
        connect(S3Settings.from_environment())


def test_settings_reach_the_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authorities = tmp_path / "authorities.pem"
    authorities.touch()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    client = connect(
        S3Settings(
            endpoint="https://s3.example.org:9000",
            region="eu-west-3",
            addressing="virtual",
            checksums="when_supported",
            tls=str(authorities),
            timeout=7,
        )
    )
    url = client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "key"})
    assert url.startswith("https://bucket.s3.example.org:9000/key?X-Amz-Algorithm=AWS4-HMAC-SHA256")
    assert client.meta.region_name == "eu-west-3"
    config = client.meta.config
    assert (config.read_timeout, config.request_checksum_calculation) == (7, "when_supported")
    assert config.retries == {"mode": "standard", "total_max_attempts": ATTEMPTS}
    assert client._endpoint.http_session._verify == str(authorities)


def test_standard_variables_of_aws_are_used_where_ours_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    client = connect(S3Settings.from_environment({}))
    assert (client.meta.endpoint_url, client.meta.region_name) == ("http://127.0.0.1:9", "eu-central-1")
