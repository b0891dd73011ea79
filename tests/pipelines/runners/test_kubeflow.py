"""Compiled pipelines: the golden files below `kfp/compiled`, and what compiling can be told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from compiled_run import read_documents
from kfp_server import KubeflowServer

import kfp
from components.errors import ConfigError
from pipelines.registry import PIPELINES
from pipelines.runners.kubeflow import compile_graph, compile_pipeline
from pipelines.runners.kubeflow_cluster import cluster_config
from pipelines.runners.kubeflow_graph import NodeGraph
from pipelines.runners.kubeflow_parameters import PARAMETERS, parse_list, run_arguments
from pipelines.runners.kubeflow_resources import PREPARE_TASK, VERDICT_TASK

GRAPH = NodeGraph(
    "siren_pipeline",
    "SIREN",
    {"ExampleGen": (), "Trainer": ("ExampleGen",), "Report": ("Trainer",), "Pusher": ("Trainer",)},
)

Compiled = tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture(params=sorted(PIPELINES), scope="module")
def golden_path(request: pytest.FixtureRequest, project_dir: Path) -> Path:
    return project_dir / "kfp" / "compiled" / f"{request.param}.yaml"


@pytest.fixture(scope="module")
def golden(golden_path: Path) -> Compiled:
    return read_documents(golden_path)


def compiled(tmp_path: Path, *words: str, accelerator: str = "gpu") -> Compiled:
    path = tmp_path / "compiled" / "siren.yaml"
    compile_graph(GRAPH, cluster_config("siren_pipeline", accelerator, words), path)
    return read_documents(path)


def tasks_of(specification: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Title -> task."""
    return {one["taskInfo"]["name"]: one for one in specification["root"]["dag"]["tasks"].values()}


def container_of(specification: Mapping[str, Any], title: str) -> dict[str, Any]:
    component = tasks_of(specification)[title]["componentRef"]["name"]
    label = specification["components"][component]["executorLabel"]
    return dict(specification["deploymentSpec"]["executors"][label]["container"])


# kfp names itself, and later versions write each resource a second time, as text.
VERSION_KEYS = {
    "sdkVersion",
    "resourceCpuLimit",
    "resourceCpuRequest",
    "resourceMemoryLimit",
    "resourceMemoryRequest",
    "resourceCount",
    "resourceType",
}


def without_version(value: Any) -> Any:
    """A compiled pipeline without what differs between versions of kfp."""
    if isinstance(value, dict):
        kept = {name: one for name, one in value.items() if name not in VERSION_KEYS}
        return {name: without_version(one) for name, one in kept.items()}
    return [without_version(one) for one in value] if isinstance(value, list) else value


def test_every_registered_pipeline_is_compiled_and_nothing_else(project_dir: Path) -> None:
    names = {path.stem for path in (project_dir / "kfp" / "compiled").iterdir()}
    assert names == set(PIPELINES), "run `papergarden compile --all -o kfp/compiled/`"


def test_compiled_files_are_up_to_date(golden_path: Path, tmp_path: Path) -> None:
    fresh = tmp_path / golden_path.name
    compile_pipeline(cluster_config(golden_path.stem), fresh)
    recorded, made = golden_path.read_text(), fresh.read_text()
    fix = f"run `papergarden compile {golden_path.stem} -o kfp/compiled/`"
    documents = [list(yaml.safe_load_all(text)) for text in (made, recorded)]
    assert without_version(documents[0]) == without_version(documents[1]), fix
    if f"sdkVersion: kfp-{kfp.__version__}\n" in recorded:
        assert made == recorded, fix


def test_nodes_and_edges_are_those_of_the_local_pipeline(
    golden: Compiled, golden_path: Path
) -> None:
    from pipelines.configs.paper_config import resolve_config
    from pipelines.paper_pipeline import RunPlace

    entry = PIPELINES[golden_path.stem]
    place = RunPlace(root="/r", metadata_uri="grpc://store", data_root="/d")
    local = entry.load_pipeline()(place, resolve_config(entry.load_config(), "paper"))
    expected = {
        node.id: {upstream.id for upstream in node.upstream_nodes} for node in local.components
    }
    tasks = tasks_of(golden[0])
    titles = {
        name: one["taskInfo"]["name"] for name, one in golden[0]["root"]["dag"]["tasks"].items()
    }
    found = {
        title: {titles[name] for name in task.get("dependentTasks", ())}
        for title, task in tasks.items()
    }
    assert found.pop(PREPARE_TASK) == set()
    # Every node runs before the verdict, since all lead to one of these.
    assert found.pop(VERDICT_TASK) == set(expected) - set().union(*expected.values())
    assert found == {node: upstream or {PREPARE_TASK} for node, upstream in expected.items()}


def test_the_schema_is_what_open_source_kubeflow_takes(golden: Compiled) -> None:
    assert golden[0]["schemaVersion"] == "2.1.0"


def test_every_task_asks_for_resources_and_retries(golden: Compiled) -> None:
    for title, task in tasks_of(golden[0]).items():
        resources = container_of(golden[0], title)["resources"]
        assert resources["cpuRequest"] == resources["cpuLimit"] > 0, title
        assert resources["memoryRequest"] == resources["memoryLimit"] >= 2, title
        retries = task["retryPolicy"]
        assert retries["maxRetryCount"] >= (1 if title == VERDICT_TASK else 3), title
        assert retries["backoffFactor"] == 2, title
        assert retries["backoffMaxDuration"] == "2592000s", title
        assert retries["backoffDuration"] == "30s", title
        assert not task["cachingOptions"].get("enableCache"), title


def test_every_task_takes_every_parameter(golden: Compiled) -> None:
    specification, _ = golden
    assert set(specification["root"]["inputDefinitions"]["parameters"]) == set(PARAMETERS)
    for title, task in tasks_of(specification).items():
        given = task["inputs"]["parameters"]
        assert given == {name: {"componentInputParameter": name} for name in PARAMETERS}, title
        words = container_of(specification, title)["args"]
        for name in PARAMETERS:
            option = words.index("--" + name.replace("_", "-"))
            assert words[option + 1] == f"{{{{$.inputs.parameters['{name}']}}}}", title


def test_every_task_runs_its_own_part_of_the_run(golden: Compiled, golden_path: Path) -> None:
    for title in tasks_of(golden[0]):
        container = container_of(golden[0], title)
        assert container["command"] == ["papergarden", "node"]
        text = " ".join(container["args"])
        what = {PREPARE_TASK: "--init-metadata", VERDICT_TASK: "--verdict"}
        part = what.get(title, f"--node {title}")
        run = "--run-id {{$.pipeline_job_uuid}}"
        assert text.startswith(f"--pipeline {golden_path.stem} {part} {run} ")


def test_store_and_password_come_from_a_secret_alone(golden: Compiled, golden_path: Path) -> None:
    for pod in golden[1].values():
        [secret] = pod["secretAsEnv"]
        variables = {key["envVar"]: key["secretKey"] for key in secret["keyToEnv"]}
        assert variables["PAPERGARDEN_METADATA_URI"] == "uri"
        assert variables["PAPERGARDEN_METADATA_PASSWORD"] == "password"
        assert pod["pvcMount"] == [{"constant": "papergarden", "mountPath": "/papergarden"}]
    assert "://" not in golden_path.read_text()


def test_training_gets_the_accelerator_and_its_machines(golden: Compiled) -> None:
    specification, pods = golden
    # The Evaluators of these make or search pictures with a large network.
    evaluating = specification["pipelineInfo"]["name"] in ("detr-pipeline", "finegan-pipeline")
    accelerated = {"Trainer", "Evaluator"} if evaluating else {"Trainer"}
    for title in tasks_of(specification):
        wanted = title in accelerated
        container = container_of(specification, title)
        assert ("accelerator" in container["resources"]) == wanted
        assert container["image"].endswith("-gpu") == wanted
        assert ("nodeSelector" in pods[f"exec-{title.lower()}"]) == wanted
    accelerator = container_of(specification, "Trainer")["resources"]["accelerator"]
    assert (accelerator["type"], accelerator["count"]) == ("nvidia.com/gpu", "1")


def test_a_tpu_host_is_asked_for_whole(tmp_path: Path) -> None:
    specification, pods = compiled(tmp_path, accelerator="tpu")
    accelerator = container_of(specification, "Trainer")["resources"]["accelerator"]
    assert (accelerator["type"], accelerator["count"]) == ("google.com/tpu", "4")
    assert set(pods["exec-trainer"]["nodeSelector"]["labels"]) == {
        "cloud.google.com/gke-tpu-accelerator",
        "cloud.google.com/gke-tpu-topology",
    }


def test_a_cluster_without_accelerators(tmp_path: Path) -> None:
    specification, pods = compiled(tmp_path, accelerator="none")
    container = container_of(specification, "Trainer")
    assert "accelerator" not in container["resources"]
    assert container["image"] == container_of(specification, "Pusher")["image"]
    assert "nodeSelector" not in pods["exec-trainer"]


def test_what_a_cluster_offers_can_be_told(tmp_path: Path) -> None:
    labels = json.dumps({"cloud.google.com/gke-accelerator": "nvidia-l4"})
    specification, pods = compiled(
        tmp_path,
        "image=registry.example/papergarden:7",
        "nodes.Trainer.memory=64Gi",
        "nodes.Trainer.cpu=1.5",
        "nodes.Trainer.retries=20",
        f"accelerator.node_selector={labels}",
        'volume.claim=""',
        'secrets.volumes={"gcs-key": "/secrets"}',
        'environment={"GOOGLE_APPLICATION_CREDENTIALS": "/secrets/key.json"}',
    )
    container = container_of(specification, "Trainer")
    assert container["resources"]["memoryLimit"] == pytest.approx(64 * 2**30 / 1e9)
    assert container["resources"]["cpuLimit"] == 1.5
    assert container["env"] == [
        {"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/secrets/key.json"}
    ]
    assert tasks_of(specification)["Trainer"]["retryPolicy"]["maxRetryCount"] == 20
    assert container_of(specification, "Pusher")["image"] == "registry.example/papergarden:7"
    trainer = pods["exec-trainer"]
    assert trainer["nodeSelector"]["labels"] == json.loads(labels)
    assert trainer["secretAsVolume"] == [{"secretName": "gcs-key", "mountPath": "/secrets"}]
    assert "pvcMount" not in trainer


@pytest.mark.parametrize(
    "word",
    [
        "nodes.Trainer.memory=lots",
        "nodes.Trainer.cpu=0",
        "nodes.Trainer.retries=-1",
        "backoff.factor=1.5",
        "backoff.seconds=0",
        "nodes.Tuner.cpu=1",
        "imagee=x",
        "image=7",
    ],
)
def test_a_cluster_that_makes_no_sense_is_refused(word: str) -> None:
    with pytest.raises(ConfigError):
        cluster_config("siren_pipeline", "gpu", [word])


def test_devices_without_a_resource_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no resource"):
        compiled(tmp_path, "nodes.Trainer.accelerators=1", accelerator="none")


def test_a_node_without_resources_is_named(tmp_path: Path) -> None:
    graph = NodeGraph("siren_pipeline", "SIREN", {"Tuner": ()})
    with pytest.raises(ConfigError, match="Tuner"):
        compile_graph(graph, cluster_config("siren_pipeline"), tmp_path / "x.yaml")


def test_arguments_of_a_run_survive_the_page() -> None:
    overrides = ['experiment.task="a b"', "evaluation.gates={}"]
    arguments = run_arguments(preset="smoke", overrides=overrides, data_root="gs://bucket/x")
    assert set(arguments) == {"preset", "overrides", "data_root"}
    assert list(parse_list("overrides", arguments["overrides"])) == overrides
    assert parse_list("overrides", "training.steps=5 'task=a b'") == (
        "training.steps=5",
        "task=a b",
    )
    assert parse_list("overrides", " ") == ()


def test_kubeflows_own_package_reads_what_pods_ask_for(golden: Compiled) -> None:
    messages = pytest.importorskip(
        "kfp.kubernetes.kubernetes_executor_config_pb2", reason="kfp-kubernetes is not installed"
    )
    from google.protobuf import json_format

    for pod in golden[1].values():
        json_format.ParseDict(pod, messages.KubernetesExecutorConfig())


def test_what_is_submitted_is_what_is_compiled(kubeflow: KubeflowServer, tmp_path: Path) -> None:
    from pipelines.runners.kubeflow_endpoint import Endpoint
    from pipelines.runners.kubeflow_patience import Patience
    from pipelines.runners.kubeflow_service import KubeflowService
    from pipelines.runners.kubeflow_submit import Submission, submit

    cluster = cluster_config("siren_pipeline", "tpu", ["volume.claim=mine"])
    service = KubeflowService(Endpoint(kubeflow.url), Patience(), lambda _: None)
    submit(Submission(cluster, run_arguments(preset="smoke"), "siren"), service)
    path = tmp_path / "siren.yaml"
    compile_pipeline(cluster, path)
    specification, executors = read_documents(path)
    sent = kubeflow.asked[-1].body["pipeline_spec"]
    assert sent["pipeline_spec"] == specification
    kubernetes = sent["platform_spec"]["platforms"]["kubernetes"]
    assert kubernetes["deploymentSpec"]["executors"] == executors
