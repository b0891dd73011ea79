"""What a compiled pipeline takes a cluster to offer: image, volume, secrets, devices, sizes.

    papergarden compile siren_pipeline --accelerator tpu --cluster nodes.Trainer.memory=64Gi

Values are fixed when a pipeline is compiled; what a run may choose are the pipeline's parameters
(`kubeflow_parameters.py`). No address and no password of the metadata store is among either: tasks
get them from a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from components.errors import ConfigError
from components.lineage.metadata_uri import PASSWORD_VARIABLE, USER_VARIABLE
from pipelines.configs.paper_config import PaperConfig, Preset, resolve_config
from pipelines.runners.kubeflow_resources import (
    ACCELERATORS,
    Accelerator,
    NodeResources,
    node_resources,
)

METADATA_URI_VARIABLE = "PAPERGARDEN_METADATA_URI"


@dataclass(frozen=True)
class Volume:
    """A persistent volume claim that every task mounts.

    Attributes:
        claim: Its name; no volume where it is empty, as with a root in an object store.
        mount_path: Where tasks see it.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    claim: str = "papergarden"
    mount_path: str = "/papergarden"


@dataclass(frozen=True)
class Secrets:
    """What tasks get from Kubernetes secrets.

    Attributes:
        environment: Secret -> key -> variable. Every key must be there; user and password of a
            store that has none are empty.
        volumes: Secret -> folder that its keys are mounted in as files, for example credentials of
            an object store.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    environment: dict[str, dict[str, str]] = field(
        default_factory=lambda: {
            "papergarden-metadata": {
                "uri": METADATA_URI_VARIABLE,
                "user": USER_VARIABLE,
                "password": PASSWORD_VARIABLE,
            }
        }
    )
    volumes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Backoff:
    """How long a failed task waits before it is tried again.

    Attributes:
        seconds: The first wait.
        factor: Each wait is so many times the one before; Argo takes whole numbers.
        within_seconds: How long after its first start a task may run and be tried again.

    Raises:
        ConfigError: A number is out of its range.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    seconds: int = 30
    factor: int = 2
    within_seconds: int = 30 * 24 * 3600

    def __post_init__(self) -> None:
        for name in ("seconds", "factor", "within_seconds"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"backoff.{name} is too small",
                    found=getattr(self, name),
                    expected="an integer >= 1",
                )


class ClusterConfig(PaperConfig):
    """Everything that compiling decides about a cluster; its presets are kinds of accelerator."""

    PRESETS: ClassVar[tuple[Preset, ...]] = tuple(ACCELERATORS)

    pipeline: str
    image: str = "papergarden:0.1.0"
    accelerator: Accelerator = Accelerator()
    volume: Volume = Volume()
    secrets: Secrets = Secrets()
    environment: dict[str, str] = {}
    backoff: Backoff = Backoff()
    nodes: dict[str, NodeResources] = {}

    @classmethod
    def preset(cls, name: Preset, overrides: Mapping[str, Any]) -> ClusterConfig:
        """The values for one kind of accelerator and the pipeline that the overrides name."""
        pipeline = overrides.get("pipeline", "")
        return cls(
            pipeline=pipeline,
            accelerator=ACCELERATORS[name],
            nodes=node_resources(pipeline, name),
        )


def cluster_config(
    pipeline: str, accelerator: str = "gpu", assignments: Iterable[str] = ()
) -> ClusterConfig:
    """What compiling a pipeline takes a cluster to offer.

    Args:
        pipeline: A registered pipeline.
        accelerator: `gpu`, `tpu` or `none`.
        assignments: `nodes.Trainer.memory=64Gi`, `image=registry.example/papergarden:1`, …

    Raises:
        ConfigError: If a key is unknown or ambiguous, or a value has the wrong type.
    """
    resolved = resolve_config(ClusterConfig, accelerator, (f"pipeline={pipeline}", *assignments))
    return cast(ClusterConfig, resolved.config)
