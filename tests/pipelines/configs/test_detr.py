"""DETR's presets: the paper's numbers, a network and metrics that follow the task."""

from __future__ import annotations

from typing import Any

import pytest

from components.evaluators.eval_config import build_eval_config
from components.trainers.detr.experiment import BLESSED
from pipelines.configs.detr import DetrConfig
from pipelines.configs.paper_config import resolve_config


def config(preset: str, *assignments: str) -> Any:
    return resolve_config(DetrConfig, preset, assignments).config


def test_the_papers_recipe_for_detection() -> None:
    paper = config("paper")
    assert (paper.training.epochs, paper.experiment.drop_epoch) == (500, 400)
    assert (paper.training.learning_rate, paper.experiment.backbone_learning_rate) == (1e-4, 1e-5)
    assert (paper.training.clip_norm, paper.experiment.weight_decay) == (0.1, 1e-4)
    assert (paper.experiment.batch_size, paper.training.accumulation_steps) == (16, 8)
    network = paper.network
    assert (network.backbone, network.hidden, network.heads, network.queries) == (
        "resnet50",
        256,
        8,
        100,
    )
    assert (network.encoder_layers, network.decoder_layers, network.feed_forward) == (6, 6, 2048)
    assert (network.classes, network.masks, network.dropout) == (91, False, 0.1)
    assert paper.data.dataset == "coco_instances" and not paper.data.subset
    assert (paper.data.eval_size, paper.data.max_size) == (800, 1333)
    assert paper.experiment.detector is None
    assert set(paper.evaluation.gates) == {"ap"}


def test_the_papers_recipe_for_the_mask_head() -> None:
    paper = config("paper", "task=panoptic")
    assert (paper.training.epochs, paper.experiment.drop_epoch) == (25, 15)
    assert paper.data.dataset == "coco_panoptic"
    assert (paper.network.classes, paper.network.masks) == (250, True)
    assert paper.experiment.detector == BLESSED
    assert {"pq_stuff", "mask_ap_50", "ap"} <= set(paper.evaluation.metrics)
    assert set(paper.evaluation.gates) == {"pq"}


def test_its_detector_is_trained_on_panoptic_boxes() -> None:
    paper = config("paper", "data.dataset=coco_panoptic")
    assert (paper.network.classes, paper.network.masks) == (250, False)
    assert (paper.training.epochs, paper.experiment.detector) == (500, None)
    assert not any(name.startswith(("pq", "mask")) for name in paper.evaluation.metrics)


@pytest.mark.parametrize("preset", DetrConfig.PRESETS)
@pytest.mark.parametrize("dataset", ["coco_instances", "coco_panoptic"])
@pytest.mark.parametrize("task", ["detection", "panoptic"])
def test_every_preset_can_be_built_for_every_task(preset: str, dataset: str, task: str) -> None:
    found = config(preset, f"data.dataset={dataset}", f"task={task}")
    assert found.data.subset == (preset != "paper")
    assert found.network.masks == (task == "panoptic")
    assert found.network.classes == found.data.num_classes
    names = {one.class_name for one in build_eval_config(found.evaluation).metrics_specs[0].metrics}
    assert "AverageMetric" in names
    assert ("PanopticMetric" in names) == (task == "panoptic" and dataset == "coco_panoptic")


def test_what_is_given_is_not_derived() -> None:
    assert config("small", "task=panoptic", "detector=none").experiment.detector is None
    assert config("small", "task=panoptic", "detector=model/7").experiment.detector == "model/7"
    whole = config("small", "task=panoptic", "experiment.backbone=detr.npz").experiment
    assert (whole.detector, whole.backbone) == (None, "detr.npz")
    assert config("small", "network.masks=true").network.masks
