"""What infra/kubernetes asks of a cluster, held against the schemas of Kubernetes."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest
import yaml
from kubernetes_validate import validate
from prefect.utilities.templating import apply_values, find_placeholders

from flows.server.settings import SERVER, WORKER
from tests.infra.test_compose import FILE as COMPOSE_FILE
from tests.infra.variables import ROOT, unknown

FOLDER = ROOT / "infra/kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))
VERSIONS = ["1.30", "1.34", "1.37"]
POOLS = ["cpu", "gpu"]
Manifest = dict[str, Any]


def manifests() -> list[Manifest]:
    files = [(FOLDER / name).read_text(encoding="utf-8") for name in KUSTOMIZATION["resources"]]
    return [manifest for text in files for manifest in yaml.safe_load_all(text)]


def settings(name: str) -> dict[str, str]:
    """What a file of settings says."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def template(pool: str) -> Manifest:
    content: Manifest = json.loads((FOLDER / f"{pool}-pool.json").read_text(encoding="utf-8"))
    return content


def job(pool: str, **changes: object) -> Manifest:
    """The job that Prefect makes of a pool's template."""
    variables = template(pool)["variables"]["properties"]
    assert changes.keys() <= variables.keys()
    values = {name: variable["default"] for name, variable in variables.items() if "default" in variable}
    # What Prefect's worker says itself.
    worker = {"name": "a-run", "labels": {"a": "b"}, "env": [{"name": "A", "value": "b"}], "command": ["prefect"]}
    filled = apply_values(template(pool)["job_configuration"], {**values, **worker, **changes})
    manifest: Manifest = filled["job_manifest"]
    return manifest


def pods() -> Iterator[tuple[str, Manifest]]:
    """All pods, by the name of what makes them."""
    for manifest in manifests():
        if manifest["kind"] in {"Deployment", "Job"}:
            yield manifest["metadata"]["name"], manifest["spec"]["template"]["spec"]
    for pool in POOLS:
        yield f"pool-{pool}", job(pool)["spec"]["template"]["spec"]


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod.get("initContainers", []), *pod["containers"]]


PODS = dict(pods())


@pytest.mark.parametrize("manifest", manifests(), ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_manifests_are_what_kubernetes_expects(manifest: Manifest) -> None:
    for version in VERSIONS:
        validate(manifest, version, strict=True)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(
    "changes", [{}, {"memory_limit": "64Gi", "image": "registry/foldline:1", "node_selector": {"a": "b"}}]
)
def test_jobs_of_pools_are_what_kubernetes_expects(pool: str, changes: Manifest) -> None:
    manifest = job(pool, **changes)
    assert not find_placeholders(manifest)
    for version in VERSIONS:
        validate(manifest, version, strict=True)


@pytest.mark.parametrize("pool", POOLS)
def test_every_variable_of_a_pool_is_used_and_described(pool: str) -> None:
    variables = template(pool)["variables"]["properties"]
    placeholders = {placeholder.name for placeholder in find_placeholders(template(pool)["job_configuration"])}
    assert variables.keys() == placeholders
    assert all(variable["description"].endswith(".") for variable in variables.values())


def test_pools_differ_in_what_a_gpu_takes_only() -> None:
    cpu, gpu = (template(pool)["variables"]["properties"] for pool in POOLS)
    assert gpu.keys() - cpu.keys() == {"gpus"}
    same = {name for name in cpu if cpu[name] == gpu[name]}
    assert cpu.keys() - same == {
        "image", "cpu_request", "memory_request", "memory_limit", "shm_size", "node_selector", "tolerations"
    }  # fmt: skip
    limits = template("gpu")["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]["containers"][0][
        "resources"
    ]["limits"]
    del limits["nvidia.com/gpu"]
    plain = template("cpu")["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]["containers"][0][
        "resources"
    ]["limits"]
    assert limits == plain


def test_jobs_of_the_gpu_pool_get_a_gpu_and_go_where_there_are_some() -> None:
    pod = job("gpu")["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    more = job("gpu", gpus=2)["spec"]["template"]["spec"]
    assert more["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 2


@pytest.mark.parametrize("pool", POOLS)
def test_shared_memory_of_jobs_is_memory_of_a_limited_size(pool: str) -> None:
    pod = job(pool, shm_size="3Gi")["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    (name,) = [mount["name"] for mount in pod["containers"][0]["volumeMounts"] if mount["mountPath"] == "/dev/shm"]  # noqa: S108
    assert volumes[name]["emptyDir"] == {"medium": "Memory", "sizeLimit": "3Gi"}


@pytest.mark.parametrize("pool", POOLS)
def test_kubernetes_does_not_run_a_job_again_by_itself(pool: str) -> None:
    spec = job(pool)["spec"]
    assert (spec["backoffLimit"], spec["parallelism"], spec["completions"]) == (0, 1, 1)
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize("name", PODS)
def test_pods_keep_to_the_restricted_standard(name: str) -> None:
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(pod):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", PODS)
def test_only_workers_may_ask_the_cluster_for_anything(name: str) -> None:
    assert (PODS[name].get("automountServiceAccountToken") is False) != name.startswith("worker-")
    assert PODS[name]["enableServiceLinks"] is False


@pytest.mark.parametrize("name", PODS)
def test_what_pods_refer_to_exists(name: str) -> None:
    pod = PODS[name]
    maps = {generator["name"] for generator in KUSTOMIZATION["configMapGenerator"]}
    accounts = {manifest["metadata"]["name"] for manifest in manifests() if manifest["kind"] == "ServiceAccount"}
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert pod.get("serviceAccountName", "foldline-run") in accounts
    assert {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume} <= maps
    for container in containers(pod):
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        assert {source["configMapRef"]["name"] for source in container.get("envFrom", [])} <= maps


def test_somebody_looks_after_runs() -> None:
    (keeper,) = containers(PODS["keeper"])
    assert find_spec(keeper["args"][-1])


def test_every_setting_means_something() -> None:
    said = [*settings("settings.env"), *settings("server.env")]
    said += [variable["name"] for pod in PODS.values() for one in containers(pod) for variable in one.get("env", [])]
    assert unknown(name for name in said if name != "A") == []


def test_no_secret_is_in_the_settings() -> None:
    assert not [
        name for name in (*settings("settings.env"), *settings("server.env")) if "PASSWORD" in name or "AUTH" in name
    ]


def test_runs_and_the_server_are_set_as_elsewhere() -> None:
    assert settings("server.env").items() >= SERVER.items()
    heartbeat = "PREFECT_FLOWS_HEARTBEAT_FREQUENCY"
    assert settings("settings.env")[heartbeat] == WORKER[heartbeat]
    compose = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    assert (settings("settings.env").keys() | settings("server.env").keys()) - {heartbeat} - SERVER.keys() >= {
        name
        for name in (*compose["x-bucket"], *compose["x-database"])
        if not name.endswith("_FILE") and name != "FOLDLINE_S3_ENDPOINT"
    }
