"""Which of several workers this process is, as `TF_CONFIG` tells it.

`TF_CONFIG` is what TensorFlow's clusters and Kubeflow's training jobs describe themselves by:

    {"cluster": {"worker": ["host-0:2222", "host-1:2222"]}, "task": {"type": "worker", "index": 0}}

The chief, or the first worker where there is none, writes what the group comes to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from components.errors import ConfigError

VARIABLE = "TF_CONFIG"
_JOBS = ("chief", "worker")
_EXAMPLE = (
    '{"cluster": {"worker": ["host-0:2222", "host-1:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


@dataclass(frozen=True)
class WorkerTask:
    """A worker of a group.

    Attributes:
        addresses: All workers', `host:port`, the one that leads first.
        job: `chief` or `worker`.
        index: Its number within the job.
        has_chief: Whether the group has a chief, who then leads it.
    """

    addresses: tuple[str, ...]
    job: str
    index: int
    has_chief: bool = False

    @property
    def address(self) -> str:
        """This worker's own."""
        before = 1 if self.has_chief and self.job == "worker" else 0
        return self.addresses[before + self.index]

    @property
    def leads(self) -> bool:
        """Whether it is the one that writes checkpoints, logs and the model."""
        return self.job == "chief" or (not self.has_chief and self.index == 0)


def read_worker_task(environment: Mapping[str, str] | None = None) -> WorkerTask | None:
    """This process's place in its group; None where `TF_CONFIG` names none.

    Args:
        environment: The process's own by default.

    Raises:
        ConfigError: `TF_CONFIG` is not what TensorFlow makes of it, or names parameter servers or
            an evaluator, which take no part in synchronous training.
    """
    environment = os.environ if environment is None else environment
    text = environment.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        values = json.loads(text)
        cluster = {name: tuple(map(str, hosts)) for name, hosts in values["cluster"].items()}
        job, index = str(values["task"]["type"]), int(values["task"]["index"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{VARIABLE} cannot be read", found=text, expected=_EXAMPLE) from error
    if not cluster:
        return None
    if set(cluster) - set(_JOBS):
        raise ConfigError(
            f"{VARIABLE} names jobs that take no part in synchronous training",
            found=", ".join(sorted(set(cluster) - set(_JOBS))),
            expected="worker, and perhaps chief",
        )
    if not 0 <= index < len(cluster.get(job, ())):
        raise ConfigError(
            f"{VARIABLE} names a task that its cluster does not have",
            found=f"{job} {index}",
            expected=", ".join(f"{name} 0–{len(hosts) - 1}" for name, hosts in cluster.items()),
        )
    addresses = tuple(host for name in _JOBS for host in cluster.get(name, ()))
    return WorkerTask(addresses, job, index, "chief" in cluster)
