"""The manifests of `kfp/manifests`: what Kubernetes knows, and what compiled pipelines rely on."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("kubernetes", reason="needs the `pipelines` extra")

from kubernetes_objects import Object, read_kustomization, read_objects, unknown_parts

from components.lineage.metadata_uri import USER_VARIABLE, connection_config
from pipelines.registry import PIPELINES
from pipelines.runners.kubeflow_cluster import ClusterConfig, cluster_config
from pipelines.runners.kubeflow_parameters import default_arguments

OVERLAYS = ("one-machine", "gke", "object-store")
PARTS = ("metadata", "storage", "serving")
# The one container that needs root: it gives the volume away.
ROOT_CONTAINERS = {"give"}
# In the image mariadb:10.11.
MYSQL_USER = 999


@pytest.fixture(scope="module")
def manifests(project_dir: Path) -> Path:
    return project_dir / "kfp" / "manifests"


@pytest.fixture(scope="module")
def objects(manifests: Path) -> list[Object]:
    shell = read_objects(manifests / "storage" / "shell.yaml")
    return [*read_kustomization(manifests / "one-machine"), *shell]


@pytest.fixture(scope="module")
def cluster() -> ClusterConfig:
    return cluster_config("siren_pipeline")


def one_of(objects: list[Object], kind: str, name: str) -> Object:
    [found] = [one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def pods_of(objects: list[Object]) -> Iterator[tuple[Object, Object]]:
    """(pod's metadata, pod's specification)."""
    for one in objects:
        if one["kind"] == "Pod":
            yield one["metadata"], one["spec"]
        elif one["kind"] in ("Deployment", "Job"):
            template = one["spec"]["template"]
            yield template["metadata"], template["spec"]


def containers_of(objects: list[Object]) -> Iterator[tuple[Object, Object]]:
    """(pod's specification, container)."""
    for _, pod in pods_of(objects):
        for container in [*pod.get("initContainers", ()), *pod["containers"]]:
            yield pod, container


def mounts_of(pod: Object, container: Object) -> dict[str, str]:
    """Claim -> where the container sees it."""
    volumes = {one["name"]: one for one in pod.get("volumes", ())}
    return {
        volumes[one["name"]]["persistentVolumeClaim"]["claimName"]: one["mountPath"]
        for one in container.get("volumeMounts", ())
        if "persistentVolumeClaim" in volumes[one["name"]]
    }


def test_every_kustomization_names_every_file_beside_it(manifests: Path) -> None:
    for part in PARTS:
        folder = manifests / part
        named = set(yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"])
        there = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
        # It is applied by itself.
        assert there - {"shell.yaml"} == named
    assert {path.parent.name for path in manifests.glob("*/kustomization.yaml")} == {
        *PARTS,
        *OVERLAYS,
    }


def test_kubernetes_knows_all_that_they_say(objects: list[Object]) -> None:
    assert {one["kind"] for one in objects} == {
        "ConfigMap",
        "Deployment",
        "Job",
        "PersistentVolumeClaim",
        "Pod",
        "Secret",
        "Service",
    }
    assert [part for one in objects for part in unknown_parts(one)] == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"spec": {"replicas": "1"}}, "replicas is no int"),
        ({"spec": {"replica": 1}}, "replica is unknown"),
        ({"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}, "name"),
        ({"spec": {"template": {"spec": {"containers": {"name": "x"}}}}}, "is no list"),
        ({"metadata": {"labels": {"a": 1}}}, "labels.a is no str"),
    ],
)
def test_what_kubernetes_does_not_know_is_found(change: Object, complaint: str) -> None:
    found = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}, **change}
    assert any(complaint in part for part in unknown_parts(found))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_builds_what_kubernetes_knows(
    overlay: str, manifests: Path, tmp_path: Path
) -> None:
    """With the real kustomize: its patches and generators."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl, which builds kustomizations, is not installed")
    copy = tmp_path / "manifests"
    shutil.copytree(manifests, copy)
    example = (copy / "metadata" / "secret.env.example").read_text()
    secret = copy / "metadata" / "secret.env"
    secret.write_text(example.replace("password=", "password=test"))
    done = subprocess.run(
        [kubectl, "kustomize", str(copy / overlay)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    built = [one for one in yaml.safe_load_all(done.stdout) if one["kind"] != "Secret"]
    assert [part for one in built for part in unknown_parts(one)] == []
    assert {one["metadata"].get("namespace") for one in built} == {"kubeflow"}
    claims = {
        one["metadata"]["name"]: one["spec"]
        for one in built
        if one["kind"] == "PersistentVolumeClaim"
    }
    mounted = {claim for pair in containers_of(built) for claim in mounts_of(*pair)}
    assert mounted == set(claims)
    if overlay == "object-store":
        assert set(claims) == {"papergarden-metadata"}
    if overlay == "gke":
        assert claims["papergarden"]["accessModes"] == ["ReadWriteMany"]
        assert claims["papergarden-metadata"]["accessModes"] == ["ReadWriteOnce"]
        images = {container["image"] for _, container in containers_of(built)}
        assert all("/" in image for image in images if "papergarden:" in image)


def test_the_secret_has_the_keys_that_compiled_pipelines_take(
    objects: list[Object], cluster: ClusterConfig
) -> None:
    [(name, keys)] = cluster.secrets.environment.items()
    secret = one_of(objects, "Secret", name)
    assert set(secret["stringData"]) == set(keys)
    for _, container in containers_of(objects):
        for variable in container.get("env", ()):
            if "valueFrom" in variable:
                reference = variable["valueFrom"]["secretKeyRef"]
                assert (reference["name"], reference["key"] in keys) == (name, True)


def test_no_password_is_in_the_repository(objects: list[Object], project_dir: Path) -> None:
    secret = one_of(objects, "Secret", "papergarden-metadata")
    assert secret["stringData"]["password"] == ""
    file = "kfp/manifests/metadata/secret.env"
    if (project_dir / ".git").exists() and shutil.which("git"):
        ignored = ["git", "-C", str(project_dir), "check-ignore", "--quiet", file]
        assert subprocess.run(ignored, check=False).returncode == 0


def test_the_uri_leads_to_the_stores_service(objects: list[Object]) -> None:
    values = one_of(objects, "Secret", "papergarden-metadata")["stringData"]
    store = connection_config(values["uri"], environment={USER_VARIABLE: values["user"]}).mysql
    service = one_of(objects, "Service", store.host)
    deployment = one_of(objects, "Deployment", "papergarden-metadata")
    template = deployment["spec"]["template"]
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    [container] = template["spec"]["containers"]
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    [port] = service["spec"]["ports"]
    assert (port["port"], ports[port["targetPort"]]) == (store.port, 3306)
    environment = {one["name"]: one for one in container["env"]}
    assert environment["MARIADB_DATABASE"]["value"] == store.database
    for variable, key in (("MARIADB_USER", "user"), ("MARIADB_PASSWORD", "password")):
        assert environment[variable]["valueFrom"]["secretKeyRef"]["key"] == key
    assert template["spec"]["securityContext"]["fsGroup"] == MYSQL_USER


def test_every_service_reaches_containers(objects: list[Object]) -> None:
    for service in (one for one in objects if one["kind"] == "Service"):
        selector = service["spec"]["selector"].items()
        [pod] = [
            pod for meta, pod in pods_of(objects) if selector <= meta.get("labels", {}).items()
        ]
        names = {one["name"] for container in pod["containers"] for one in container["ports"]}
        assert {one["targetPort"] for one in service["spec"]["ports"]} <= names


def test_claims_are_those_that_compiled_pipelines_mount(
    objects: list[Object], cluster: ClusterConfig
) -> None:
    claims = {one["metadata"]["name"] for one in objects if one["kind"] == "PersistentVolumeClaim"}
    assert claims == {cluster.volume.claim, "papergarden-metadata"}
    mounted: dict[str, set[str]] = {}
    for pair in containers_of(objects):
        for claim, path in mounts_of(*pair).items():
            mounted.setdefault(claim, set()).add(path)
    assert set(mounted) == claims
    assert mounted[cluster.volume.claim] == {cluster.volume.mount_path}


@pytest.mark.parametrize("folder", ["serving", "object-store"])
def test_serving_watches_where_runs_push(
    folder: str, manifests: Path, cluster: ClusterConfig
) -> None:
    text = (manifests / folder / "models.config").read_text()
    watched = re.findall(r'base_path: "(.+)"', text)
    assert watched
    root = default_arguments(cluster.volume.mount_path)["root"]
    if folder == "object-store":
        root = "gs://BUCKET/runs"
    for path in watched:
        parent, _, pipeline = path.rpartition("/")
        assert parent == f"{root}/serving"
        assert pipeline in PIPELINES


def test_the_server_reads_the_list_of_models(objects: list[Object]) -> None:
    deployment = one_of(objects, "Deployment", "papergarden-serving")
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    [argument] = [one for one in container["args"] if one.startswith("--model_config_file=")]
    folder, _, name = argument.partition("=")[2].rpartition("/")
    [mount] = [one for one in container["volumeMounts"] if one["mountPath"] == folder]
    [volume] = [one for one in pod["volumes"] if one["name"] == mount["name"]]
    config_map = one_of(objects, "ConfigMap", volume["configMap"]["name"])
    assert name in config_map["data"]
    ports = {one["containerPort"] for one in container["ports"]}
    assert {int(one.rpartition("=")[2]) for one in container["args"] if "port=" in one} == ports


def test_images_are_of_this_version_and_named_exactly(
    objects: list[Object], cluster: ClusterConfig, project_dir: Path
) -> None:
    version = re.search(r'^version = "(.+)"$', (project_dir / "pyproject.toml").read_text(), re.M)
    assert version
    assert cluster.image == f"papergarden:{version[1]}"
    assert cluster.accelerator.image == f"{cluster.image}-gpu"
    images = {container["image"] for _, container in containers_of(objects)}
    assert {one for one in images if one.startswith("papergarden")} == {cluster.image}
    for image in images:
        assert re.fullmatch(r"[a-z/]+:\d+(\.\d+)+", image), image


def test_the_server_is_of_the_version_that_exports(
    objects: list[Object], project_dir: Path
) -> None:
    [image] = {
        one["image"] for _, one in containers_of(objects) if one["image"].startswith("tensorflow/")
    }
    lock = (project_dir / "uv.lock").read_text()
    locked = re.findall(r'name = "tensorflow-serving-api"\nversion = "(.+)"', lock)
    assert image.partition(":")[2] == min(locked, key=lambda one: tuple(map(int, one.split("."))))


def test_nothing_runs_as_root_or_unbounded_but_the_handover(objects: list[Object]) -> None:
    seen: dict[str, Any] = {}
    for pod, container in containers_of(objects):
        name = container["name"]
        context = {**pod["securityContext"], **container["securityContext"]}
        seen[name] = context["runAsUser"]
        assert context["allowPrivilegeEscalation"] is False, name
        assert context["capabilities"]["drop"] == ["ALL"], name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert context.get("runAsNonRoot", False) == (name not in ROOT_CONTAINERS), name
        assert container["resources"]["limits"]["memory"], name
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}, name
    assert {name for name, user in seen.items() if user == 0} == ROOT_CONTAINERS


def test_the_volume_is_given_to_the_user_of_the_image(
    objects: list[Object], project_dir: Path
) -> None:
    dockerfile = (project_dir / "kfp" / "Dockerfile").read_text()
    user, group = re.findall(r"^USER (\d+):(\d+)$", dockerfile, re.M)[-1]
    job = one_of(objects, "Job", "papergarden-volume-handover")["spec"]["template"]["spec"]
    [give] = job["initContainers"]
    assert give["command"][:2] == ["chown", f"{user}:{group}"]
    for pod, container in containers_of(objects):
        if container["image"].startswith(("papergarden:", "tensorflow/")) and container is not give:
            context = {**pod["securityContext"], **container["securityContext"]}
            assert (context["runAsUser"], context["runAsGroup"]) == (int(user), int(group))
