"""Compiles a pipeline for Kubeflow Pipelines with the plain kfp SDK.

Every node becomes a container that runs `papergarden node`, which builds the same TFX pipeline from
the run's parameters and runs that one node. A first task makes the metadata store ready; a last one
fails where the model was refused, so that the run's own end tells the verdict.
"""
# No `from __future__ import annotations`: kfp reads the annotations as types.

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.errors import ConfigError, RunError
from kfp import compiler, dsl  # type: ignore[attr-defined] # the folder kfp/ misleads mypy
from pipelines.runners.kubeflow_cluster import ClusterConfig
from pipelines.runners.kubeflow_graph import NodeGraph, read_graph
from pipelines.runners.kubeflow_parameters import default_arguments
from pipelines.runners.kubeflow_resources import PREPARE_TASK, VERDICT_TASK, NodeResources


def compile_pipeline(cluster: ClusterConfig, path: Path) -> None:
    """Writes the pipeline that `cluster` is about; imports TFX. See `compile_graph`."""
    compile_graph(read_graph(cluster.pipeline), cluster, path)


def compile_graph(graph: NodeGraph, cluster: ClusterConfig, path: Path) -> None:
    """Writes a pipeline as Kubeflow's YAML; the same text every time.

    Args:
        graph: From `kubeflow_graph.read_graph`.
        cluster: From `kubeflow_cluster.cluster_config`.
        path: A `.yaml` file; its folder is made.

    Raises:
        ConfigError: If the cluster's table lacks a node of the graph.
        RunError: If the file cannot be written.
    """
    missing = [name for name in graph.upstream if name not in cluster.nodes]
    if missing:
        raise ConfigError(
            f"{graph.pipeline} has nodes without resources",
            found=", ".join(missing),
            fix="add them to pipelines/runners/kubeflow_resources.py",
        )
    if not cluster.accelerator.resource and any(one.accelerators for one in cluster.nodes.values()):
        raise ConfigError(
            "a task asks for accelerators, and the cluster's accelerator has no resource",
            expected="--accelerator gpu or tpu, or accelerator.resource=NAME",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        compiler.Compiler().compile(_pipeline(graph, cluster), str(path))
    except OSError as error:
        raise RunError(f"{path} cannot be written", found=error.strerror) from error


def _pipeline(graph: NodeGraph, cluster: ClusterConfig) -> Any:
    defaults = default_arguments(cluster.volume.mount_path)

    def pipeline(
        preset: str = defaults["preset"],
        data_root: str = defaults["data_root"],
        root: str = defaults["root"],
        overrides: str = defaults["overrides"],
        beam_options: str = defaults["beam_options"],
    ) -> None:
        arguments = {
            "preset": preset,
            "data_root": data_root,
            "root": root,
            "overrides": overrides,
            "beam_options": beam_options,
        }
        prepare = _task(graph, PREPARE_TASK, ("--init-metadata",), cluster, arguments)
        tasks: dict[str, Any] = {}
        for name, upstream in graph.upstream.items():
            tasks[name] = _task(graph, name, ("--node", name), cluster, arguments)
            tasks[name].after(*([tasks[other] for other in upstream] or [prepare]))
        verdict = _task(graph, VERDICT_TASK, ("--verdict",), cluster, arguments)
        verdict.after(*(tasks[name] for name in graph.last))

    name = graph.pipeline.replace("_", "-")
    component = dsl.pipeline(name=name, description=graph.title)(pipeline)
    # The SDK writes no more than an hour, and Argo counts it from a task's first start: training
    # that is preempted later would not be tried again, or be stopped when the hour is over.
    for task in component.pipeline_spec.root.dag.tasks.values():
        task.retry_policy.backoff_max_duration.seconds = cluster.backoff.within_seconds
    return component


def _task(
    graph: NodeGraph,
    name: str,
    what: Sequence[str],
    cluster: ClusterConfig,
    arguments: dict[str, Any],
) -> Any:
    asked = cluster.nodes[name]
    accelerator = cluster.accelerator if asked.accelerators else None
    image = (accelerator.image if accelerator else "") or cluster.image
    task = _component(graph.pipeline, name, what, image)(**arguments)
    task.set_display_name(name)
    task.set_caching_options(False)
    _set_resources(task, asked, cluster)
    for variable, value in cluster.environment.items():
        task.set_env_variable(variable, value)
    task.platform_config["kubernetes"] = _pod(cluster, bool(accelerator))
    return task


def _component(pipeline: str, name: str, what: Sequence[str], image: str) -> Any:
    """The container of a task; the run's id is Kubeflow's, so that a retried pod finds its own."""

    def container(
        preset: str, data_root: str, root: str, overrides: str, beam_options: str
    ) -> dsl.ContainerSpec:
        return dsl.ContainerSpec(
            image=image,
            command=["papergarden", "node"],
            args=[
                *("--pipeline", pipeline),
                *what,
                *("--run-id", dsl.PIPELINE_JOB_ID_PLACEHOLDER),
                *("--preset", preset),
                *("--data-root", data_root),
                *("--root", root),
                *("--overrides", overrides),
                *("--beam-options", beam_options),
            ],
        )

    container.__name__ = name
    return dsl.container_component(container)


def _set_resources(task: Any, asked: NodeResources, cluster: ClusterConfig) -> None:
    # Millicores: Kubernetes' own spelling of a part of a core.
    cpu = f"{round(asked.cpu * 1000)}m"
    task.set_cpu_request(cpu).set_cpu_limit(cpu)
    task.set_memory_request(asked.memory).set_memory_limit(asked.memory)
    if asked.accelerators:
        task.set_accelerator_type(cluster.accelerator.resource)
        task.set_accelerator_limit(asked.accelerators)
    task.set_retry(
        num_retries=asked.retries,
        backoff_duration=f"{cluster.backoff.seconds}s",
        backoff_factor=cluster.backoff.factor,
    )


def _pod(cluster: ClusterConfig, accelerated: bool) -> dict[str, Any]:
    """Kubeflow's `KubernetesExecutorConfig` as plain data.

    It is what the package kfp-kubernetes writes; versions of that differ in what they add, and what
    is written here every backend since 2.0 reads.
    """
    pod: dict[str, Any] = {}
    if cluster.volume.claim:
        mount = {"constant": cluster.volume.claim, "mountPath": cluster.volume.mount_path}
        pod["pvcMount"] = [mount]
    if cluster.secrets.environment:
        pod["secretAsEnv"] = [
            {
                "secretName": secret,
                "keyToEnv": [
                    {"secretKey": key, "envVar": variable} for key, variable in keys.items()
                ],
            }
            for secret, keys in cluster.secrets.environment.items()
        ]
    if cluster.secrets.volumes:
        pod["secretAsVolume"] = [
            {"secretName": secret, "mountPath": folder}
            for secret, folder in cluster.secrets.volumes.items()
        ]
    if accelerated and cluster.accelerator.node_selector:
        pod["nodeSelector"] = {"labels": dict(cluster.accelerator.node_selector)}
    return pod
