"""What the numbers of a DETR run depend on, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.example_gens.coco_config import CocoDataConfig
from components.example_gens.generated_coco_numbers import may_be_generated
from components.reports.training_words import training_in_words
from components.trainers.detr.experiment import DetrExperiment
from components.trainers.detr.network_config import NetworkConfig

_DATASETS = {"coco_instances": "COCO", "coco_panoptic": "COCO panoptic"}
_BACKBONES = {"resnet50": "ResNet-50", "resnet101": "ResNet-101"}


def protocol(image_numbers: Sequence[int], config: Mapping[str, Any]) -> str:
    """Returns what the numbers depend on, in the words of `paper_results`.

    Args:
        image_numbers: Of all test images.
        config: The resolved configuration.
    """
    data = CocoDataConfig(**config.get("data", {}))
    network = NetworkConfig(**config.get("network", {}))
    training = config.get("training", {})
    parts = (
        f"{data_in_words(image_numbers, config)}, {len(image_numbers):,} test images",
        f"shorter side {data.eval_size:,} and longer at most {data.max_size:,} pixels",
        f"{network.queries} queries",
        _trained_part(config),
        network_in_words(network),
        ", ".join(
            part for part in (training_in_words(config, "AdamW"), training.get("precision")) if part
        ),
    )
    return "; ".join(part for part in parts if part)


def data_in_words(image_numbers: Sequence[int], config: Mapping[str, Any]) -> str:
    """The data set in words; generated scenes in its layout must not pass for it."""
    data = CocoDataConfig(**config.get("data", {}))
    name = _DATASETS[data.dataset]
    if data.categories == "custom":
        return f"other categories in {name}'s layout"
    if image_numbers and all(map(may_be_generated, image_numbers)):
        return f"generated scenes in {name}'s layout"
    return f"a subset of {name}" if data.subset else f"{name} val2017"


def network_in_words(network: NetworkConfig) -> str:
    """The network's shape in a few words."""
    full = NetworkConfig(backbone=network.backbone)
    backbone = f"{'DC5-' if network.dc5 else ''}{_BACKBONES[network.backbone]}"
    if (network.blocks, network.width) != (full.blocks, full.width):
        blocks = "-".join(str(number) for number in network.blocks)
        backbone = (
            f"{'DC5-' if network.dc5 else ''}ResNet of {blocks} blocks, {network.width} channels"
        )
    return (
        f"{backbone}, {network.encoder_layers} encoder and {network.decoder_layers} decoder layers"
        f" of {network.hidden} features"
    )


def _trained_part(config: Mapping[str, Any]) -> str:
    """What of a network with masks was trained."""
    if not config.get("network", {}).get("masks"):
        return ""
    experiment = DetrExperiment(**config.get("experiment", {}))
    return "mask head alone trained" if experiment.frozen_detector else "boxes and masks trained"
