"""The jobs below `kfp/training`, as far as they can be checked without a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from compiled_run import read_documents

from components.trainers.worker_task import read_worker_task
from pipelines.cli import main
from pipelines.runners import kubeflow_node
from pipelines.runners.kubeflow_node import TaskRequest

PIPELINE = "siren_pipeline"
INDEX = "$(WORKER_INDEX)"


@dataclass
class Job:
    """What a manifest starts: so many of these containers in such pods."""

    name: str
    replicas: int
    container: dict[str, Any]
    pod: dict[str, Any]


def read_documents_of(path: Path) -> dict[str, Any]:
    return {one["kind"]: one for one in yaml.safe_load_all(path.read_text())}


def read_tfjob(path: Path) -> Job:
    job = read_documents_of(path)["TFJob"]
    workers = job["spec"]["tfReplicaSpecs"]["Worker"]
    pod = workers["template"]["spec"]
    [container] = pod["containers"]
    # The operator looks for a container of this name.
    assert container["name"] == "tensorflow"
    return Job(job["metadata"]["name"], workers["replicas"], container, pod)


def read_trainjob(path: Path) -> Job:
    documents = read_documents_of(path)
    runtime, job = documents["TrainingRuntime"], documents["TrainJob"]
    assert job["spec"]["runtimeRef"]["name"] == runtime["metadata"]["name"]
    [replicated] = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    assert replicated["name"] == "node"
    pod = replicated["template"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    trainer = job["spec"]["trainer"]
    merged = {**container, **trainer, "env": [*container["env"], *trainer["env"]]}
    return Job(job["metadata"]["name"], trainer["numNodes"], merged, pod)


@pytest.fixture(params=["tfjob", "trainjob"])
def job(request: pytest.FixtureRequest, project_dir: Path) -> Job:
    read = {"tfjob": read_tfjob, "trainjob": read_trainjob}[request.param]
    return read(project_dir / "kfp" / "training" / f"{request.param}.yaml")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[TaskRequest, str]]]:
    """What nodes were asked for."""
    requests: list[tuple[TaskRequest, str]] = []

    class Stop(Exception):
        pass

    def run(request: TaskRequest, node_id: str, say: Any) -> None:
        requests.append((request, node_id))
        raise Stop

    monkeypatch.setattr(kubeflow_node, "run", run)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setenv("PAPERGARDEN_METADATA_URI", "grpc://store:8080")
    yield requests


def test_the_command_takes_the_arguments(job: Job, asked: list[tuple[TaskRequest, str]]) -> None:
    program, *words = [*job.container["command"], *job.container["args"]]
    assert program == "papergarden"
    main(words)
    [(request, node_id)] = asked
    assert (request.pipeline, request.run_id, node_id) == (PIPELINE, "RUN_ID", "Trainer")
    training = json.loads(request.resolved.to_json())["training"]
    assert training["strategy"] == "multi_worker"


def test_secrets_volume_and_root_are_those_of_the_compiled_pipelines(
    job: Job, project_dir: Path
) -> None:
    _, pods = read_documents(project_dir / "kfp" / "compiled" / f"{PIPELINE}.yaml")
    compiled = next(pod for name, pod in pods.items() if "trainer" in name)
    [secret] = compiled["secretAsEnv"]
    wanted = {one["envVar"]: (secret["secretName"], one["secretKey"]) for one in secret["keyToEnv"]}
    found = {
        one["name"]: tuple(one["valueFrom"]["secretKeyRef"][key] for key in ("name", "key"))
        for one in job.container["env"]
        if "secretKeyRef" in one.get("valueFrom", {})
    }
    assert found == wanted
    [mount] = compiled["pvcMount"]
    [volume] = job.pod["volumes"]
    [place] = job.container["volumeMounts"]
    assert volume["persistentVolumeClaim"]["claimName"] == mount["constant"]
    assert (place["name"], place["mountPath"]) == (volume["name"], mount["mountPath"])
    arguments = job.container["args"]
    assert arguments[arguments.index("--root") + 1].startswith(mount["mountPath"])


def test_workers_are_started_again(job: Job, project_dir: Path) -> None:
    workers = read_documents_of(project_dir / "kfp" / "training" / "tfjob.yaml")["TFJob"]
    policy = workers["spec"]["tfReplicaSpecs"]["Worker"]["restartPolicy"]
    assert job.pod.get("restartPolicy", policy) == "OnFailure"
    assert job.pod["terminationGracePeriodSeconds"] > 60


def test_every_worker_of_the_trainjob_knows_the_others(project_dir: Path) -> None:
    job = read_trainjob(project_dir / "kfp" / "training" / "trainjob.yaml")
    names = [one["name"] for one in job.container["env"]]
    assert names.index("WORKER_INDEX") < names.index("TF_CONFIG")
    [text] = [one["value"] for one in job.container["env"] if one["name"] == "TF_CONFIG"]
    tasks = [
        read_worker_task({"TF_CONFIG": text.replace(INDEX, str(index))})
        for index in range(job.replicas)
    ]
    assert [task is not None and task.leads for task in tasks] == [True, False]
    for index, task in enumerate(tasks):
        assert task is not None
        assert task.address == f"{job.name}-node-0-{index}.{job.name}:2222"
        assert len(task.addresses) == job.replicas
