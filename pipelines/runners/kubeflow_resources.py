"""What each task of a pipeline asks a cluster for; the one table to edit for other sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from components.errors import ConfigError

# The tasks that a compiled pipeline has beside the nodes of the local one.
PREPARE_TASK = "prepare"
VERDICT_TASK = "verdict"

_MEMORY = re.compile(r"[1-9][0-9]*(Mi|Gi|Ti|M|G|T)")


@dataclass(frozen=True)
class NodeResources:
    """What one task asks for; Kubernetes gets it as request and as limit.

    Attributes:
        cpu: Cores.
        memory: A Kubernetes quantity, for example `8Gi`.
        accelerators: Devices of the cluster's accelerator.
        retries: How often a failed or preempted pod is started again.

    Raises:
        ConfigError: A number is out of its range.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    cpu: float = 1.0
    memory: str = "2Gi"
    accelerators: int = 0
    retries: int = 3

    def __post_init__(self) -> None:
        if not self.cpu > 0:
            raise ConfigError("a task needs cores", found=f"cpu={self.cpu}", expected="> 0")
        if not _MEMORY.fullmatch(self.memory):
            raise ConfigError(
                "a task's memory is no quantity", found=self.memory, expected="for example 8Gi"
            )
        for name in ("accelerators", "retries"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"{name} is negative", found=getattr(self, name), expected="an integer >= 0"
                )


@dataclass(frozen=True)
class Accelerator:
    """The kind of device that training asks for.

    Attributes:
        resource: The resource by which Kubernetes counts it; none where it is empty.
        image: The image of tasks that use it; the cluster's image where it is empty.
        node_selector: Labels of the machines that have it.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    resource: str = ""
    image: str = ""
    node_selector: dict[str, str] = field(default_factory=dict)


# `nvidia.com/gpu.present` is the label of NVIDIA's GPU operator; GKE's own are
# `cloud.google.com/gke-accelerator` for GPUs and those below for a TPU v5e host of four chips.
ACCELERATORS: Mapping[str, Accelerator] = {
    "gpu": Accelerator(
        resource="nvidia.com/gpu",
        image="papergarden:0.1.0-gpu",
        node_selector={"nvidia.com/gpu.present": "true"},
    ),
    "tpu": Accelerator(
        resource="google.com/tpu",
        image="papergarden:0.1.0-tpu",
        node_selector={
            "cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice",
            "cloud.google.com/gke-tpu-topology": "2x2",
        },
    ),
    "none": Accelerator(),
}
# A TPU host is handed out whole.
DEVICES: Mapping[str, int] = {"gpu": 1, "tpu": 4, "none": 0}

# Importing TFX alone takes 1 GiB. Training is what gets preempted: it may try again for long.
DEFAULT_RESOURCES: Mapping[str, NodeResources] = {
    PREPARE_TASK: NodeResources(),
    "ExampleGen": NodeResources(cpu=2, memory="4Gi"),
    "Schema": NodeResources(),
    "StatisticsGen": NodeResources(cpu=2, memory="4Gi"),
    "ExampleValidator": NodeResources(),
    "Transform": NodeResources(cpu=2, memory="4Gi"),
    "BaseModel": NodeResources(),
    "Trainer": NodeResources(cpu=4, memory="16Gi", accelerators=1, retries=8),
    "Baseline": NodeResources(),
    "Evaluator": NodeResources(cpu=4, memory="8Gi"),
    "Report": NodeResources(memory="4Gi"),
    "Pusher": NodeResources(),
    # It fails where the model was refused, which another try does not change; but a pod that was
    # evicted must not be taken for a refusal.
    VERDICT_TASK: NodeResources(retries=1),
}

# Where a paper's needs differ.
PAPER_RESOURCES: Mapping[str, Mapping[str, NodeResources]] = {
    # One signal: no input pipeline to speak of.
    "siren_pipeline": {
        "Trainer": replace(DEFAULT_RESOURCES["Trainer"], memory="8Gi"),
        "Evaluator": replace(DEFAULT_RESOURCES["Evaluator"], cpu=2),
    },
    # 30,000 pictures are made to be measured.
    "finegan_pipeline": {
        "Evaluator": replace(DEFAULT_RESOURCES["Evaluator"], memory="16Gi", accelerators=1),
        "Report": replace(DEFAULT_RESOURCES["Report"], memory="8Gi"),
    },
    # Annotations of half a gigabyte are indexed; pictures of 1,333 pixels decoded while it trains.
    "detr_pipeline": {
        "ExampleGen": NodeResources(cpu=4, memory="8Gi"),
        "StatisticsGen": NodeResources(cpu=4, memory="8Gi"),
        "Trainer": replace(DEFAULT_RESOURCES["Trainer"], cpu=8, memory="32Gi"),
        "Evaluator": replace(DEFAULT_RESOURCES["Evaluator"], memory="16Gi", accelerators=1),
    },
    # ImageNet's pictures are decoded while it trains.
    "only_bn_pipeline": {
        "ExampleGen": NodeResources(cpu=4, memory="8Gi"),
        "StatisticsGen": NodeResources(cpu=4, memory="8Gi"),
        "Trainer": replace(DEFAULT_RESOURCES["Trainer"], cpu=8, memory="32Gi"),
    },
}


def node_resources(pipeline: str, accelerator: str) -> dict[str, NodeResources]:
    """Task -> what it asks for.

    Args:
        pipeline: A registered pipeline.
        accelerator: `gpu`, `tpu` or `none`.
    """
    table = {**DEFAULT_RESOURCES, **PAPER_RESOURCES.get(pipeline, {})}
    return {
        name: replace(asked, accelerators=asked.accelerators * DEVICES[accelerator])
        for name, asked in table.items()
    }
