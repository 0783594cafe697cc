"""infra/compose.yaml, as Docker Compose understands it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.server.settings import SERVER
from tests.infra.variables import ROOT, unknown

FILE = ROOT / "infra/compose.yaml"
REPLICAS = ROOT / "infra/compose.replicas.yaml"
COMPOSE = Path(sys.executable).with_name("docker-compose")
OF_POSTGRES = {"POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD_FILE"}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("infra") / "secrets"
    subprocess.run([ROOT / "infra/secrets.sh", folder], check=True, capture_output=True)
    return folder


def read(secrets: Path, *files: Path) -> dict[str, Any]:
    """Files as Docker Compose reads them together, with all profiles."""
    named = [option for file in files for option in ("--file", file)]
    command = [COMPOSE, *named, "--profile", "*", "config", "--format", "json"]
    environment = {"PATH": os.environ["PATH"], "FOLDLINE_SECRETS": str(secrets)}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    content: dict[str, Any] = json.loads(ended.stdout)
    return content


@pytest.fixture(scope="module")
def compose(secrets: Path) -> dict[str, Any]:
    return read(secrets, FILE)


@pytest.fixture(scope="module")
def replicated(secrets: Path) -> dict[str, Any]:
    return read(secrets, FILE, REPLICAS)


@pytest.fixture(scope="module", params=["compose", "replicated"])
def services(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = request.getfixturevalue(request.param)["services"]
    return found


def variables(service: dict[str, Any]) -> dict[str, str]:
    return service.get("environment") or {}


def test_all_that_a_server_needs_is_there(compose: dict[str, Any]) -> None:
    services = compose["services"]
    jobs = {"migrate", "deploy", "bucket"}
    assert services.keys() == {"postgres", "prefect", "seaweedfs", "cpu", "gpu", "no-gpu", *jobs}
    assert jobs == {name for name, service in services.items() if service["restart"] == "no"}


def test_replicas_of_the_server_bring_redis_and_one_that_works_in_the_background(
    compose: dict[str, Any], replicated: dict[str, Any]
) -> None:
    before, after = compose["services"], replicated["services"]
    assert after.keys() - before.keys() == {"redis", "prefect-services"}
    assert after["prefect"]["deploy"]["replicas"] == 2
    assert "--no-services" in after["prefect"]["command"]
    told = [variables(after[name]) for name in ("prefect", "prefect-services")]
    assert told[0] == told[1]
    assert {name for name in before if before[name] != after[name]} == {"prefect"}


def test_every_service_has_a_health_check_or_is_a_job(services: dict[str, Any]) -> None:
    unchecked = {name for name, service in services.items() if "test" not in service.get("healthcheck", {})}
    assert unchecked - {"prefect-services"} == {name for name, one in services.items() if one["restart"] == "no"}


def test_nothing_runs_as_root_or_may_become_it(services: dict[str, Any]) -> None:
    for service in services.values():
        assert int(service["user"].split(":")[0]) > 0
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not service.get("cap_add")
        assert not service.get("privileged")


def test_root_file_systems_are_read_only_and_every_home_can_be_written(services: dict[str, Any]) -> None:
    for service in services.values():
        assert service["read_only"]
        assert "/tmp" in service["tmpfs"]  # noqa: S108 -- in a container
        if service["image"].startswith("foldline:"):
            places = [volume["target"] for volume in service.get("volumes", [])] + service["tmpfs"]
            assert any(place.split(":")[0] == "/var/lib/foldline" for place in places)


def test_no_secret_is_in_a_variable_or_an_argument(services: dict[str, Any], secrets: Path) -> None:
    told = json.dumps([[service.get("environment"), service.get("command")] for service in services.values()])
    for file in secrets.iterdir():
        words = re.findall(r"[0-9a-f]{40}", file.read_text())
        assert not any(word in told for word in words)
    for service in services.values():
        secret = [name for name in variables(service) if re.search(r"PASSWORD|AUTH|SECRET|_KEY|CREDENTIALS", name)]
        assert all(name.endswith("_FILE") for name in secret)


def test_secrets_are_those_that_the_script_draws(replicated: dict[str, Any], secrets: Path) -> None:
    files = {Path(secret["file"]).name for secret in replicated["secrets"].values()}
    assert files == {path.name for path in secrets.iterdir()} - {".gitignore"}


def test_files_that_variables_name_are_secrets_of_the_service(services: dict[str, Any]) -> None:
    for service in services.values():
        named = {Path(value).name for value in variables(service).values() if value.startswith("/run/secrets/")}
        mounted = {secret["source"] for secret in service.get("secrets", [])}
        said = {word for word in mounted if word in json.dumps(service["command"])} if service.get("command") else set()
        assert mounted == named | said


def test_every_variable_means_something(services: dict[str, Any]) -> None:
    assert not {name for service in services.values() for name in unknown(variables(service))} - OF_POSTGRES


def test_prefect_keeps_its_runs_as_long_as_with_foldline_up(services: dict[str, Any]) -> None:
    assert variables(services["prefect"]).items() >= SERVER.items()


def test_only_this_machine_reaches_the_ports(services: dict[str, Any]) -> None:
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert ports.keys() == {"prefect", "seaweedfs"}
    assert all(port["host_ip"] == "127.0.0.1" for service in ports.values() for port in service)


def test_gpu_workers_get_all_gpus_and_shared_memory(services: dict[str, Any]) -> None:
    (device,) = services["gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["count"], device["capabilities"]) == ("nvidia", -1, ["gpu"])
    assert int(services["gpu"]["shm_size"]) == 8 << 30
    assert services["gpu"]["image"] == "foldline:cuda"


def test_bucket_script_is_told_what_it_knows(services: dict[str, Any]) -> None:
    command = services["bucket"]["command"]
    tried = subprocess.run(
        [sys.executable, ROOT / "infra/bucket.py", *command[2:], "--help"], capture_output=True, check=False
    )
    assert tried.returncode == 0
    assert variables(services["bucket"])["FOLDLINE_STORE"].startswith(f"{command[2]}/")


def test_secrets_that_are_there_stay(secrets: Path) -> None:
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    (secrets / "prefect-auth").unlink()
    subprocess.run([ROOT / "infra/secrets.sh", secrets], check=True, capture_output=True)
    after = {path.name: path.read_text() for path in secrets.iterdir()}
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} == {"prefect-auth"}


def test_nobody_else_gets_at_the_secrets_and_git_does_not_either(secrets: Path) -> None:
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert (secrets / ".gitignore").read_text() == "*\n"
