"""Submits a pipeline to a Kubeflow endpoint: once, or on a schedule."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import ConfigError, Preempted
from pipelines.runners.kubeflow_cluster import ClusterConfig
from pipelines.runners.local_run import new_run_id

if TYPE_CHECKING:
    from pipelines.runners.kubeflow_service import KubeflowService


@dataclass(frozen=True)
class Submission:
    """What a cluster is to run.

    Attributes:
        cluster: The pipeline, and what compiling it takes the cluster to offer.
        arguments: The run's parameters, from `kubeflow_parameters.run_arguments`.
        experiment: The experiment that gets the run; made if there is none of that name.
        schedule: When it is to run, from `kubeflow_schedule.parse_schedule`; None for now.

    Raises:
        ConfigError: A folder is none that the cluster's tasks could see.
    """

    cluster: ClusterConfig
    arguments: Mapping[str, str]
    experiment: str
    schedule: str | None = None

    def __post_init__(self) -> None:
        for parameter in ("data_root", "root"):
            path = self.arguments.get(parameter, "/")
            if not path.startswith("/") and "://" not in path:
                raise ConfigError(
                    f"--{parameter.replace('_', '-')} is no path that a cluster's tasks could see",
                    found=path,
                    expected="an absolute path on the cluster's volume, as "
                    f"{self.cluster.volume.mount_path}/data, or gs://…",
                )


def submit(submission: Submission, service: KubeflowService) -> str:
    """Compiles the pipeline as `papergarden compile` does and submits it; imports TFX.

    Returns:
        The id of the run, or of the recurring run.

    Raises:
        EndpointError: The endpoint does not take it.
        Preempted: It was asked to stop before it knew.
    """
    from pipelines.runners.kubeflow import compile_pipeline

    pipeline = submission.cluster.pipeline
    # No other run has this name: if the answer is lost, the run can be found by it.
    name = f"{pipeline}-{new_run_id()}"
    arguments = dict(submission.arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{pipeline}.yaml"
        compile_pipeline(submission.cluster, path)
        experiment_id = service.find_or_create_experiment(submission.experiment)
        try:
            if submission.schedule is None:
                return service.submit(path, experiment_id, name, arguments)
            return service.schedule(path, experiment_id, name, arguments, submission.schedule)
        except KeyboardInterrupt:
            raise Preempted(
                f"stopped while {name} was submitted",
                expected="that it is there, or not",
                fix=f"look for it on {service.endpoint.shown}",
            ) from None
