"""DETR's configuration.

    papergarden run detr_pipeline --preset paper --data-root COCO \
        --set experiment.backbone=resnet50.safetensors
    papergarden run detr_pipeline --preset paper --data-root COCO --set task=panoptic

| preset | hardware    | time       | score | paper |
|--------|-------------|------------|-------|-------|
| smoke  | 2 CPU cores | 1 minute   | none to speak of: it shows that everything works | - |
| sample | 2 CPU cores | 15 minutes | generated scenes, box AP50 0.26, PQ 0.36 | - |
| small  | 2 CPU cores | 1 hour     | generated scenes, box AP50 0.76, PQ 0.64 | - |
| paper  | 8 GPUs      | 10 days    | COCO: box AP 42.0; PQ 43.4 | tables 1 and 5 |

`task=detection` trains boxes and classes; `task=panoptic` the mask head, on the latest blessed
detector of the same data. So a panoptic model takes two runs on `data.dataset=coco_panoptic`, one
of either task. Without a data root, all but `paper` train on generated scenes. Classes and masks of
the network and the metrics follow from the data section. The numbers of `paper` are those of the
authors' code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from components.evaluators.detection_metrics_config import AVERAGE_METRICS, PANOPTIC_METRICS
from components.evaluators.evaluation_config import EvaluationConfig, Gate
from components.example_gens.coco_config import OFFICIAL_RECORDS, CocoDataConfig, Dataset, Task
from components.trainers.detr.experiment import BLESSED, DetrExperiment
from components.trainers.detr.network_config import NetworkConfig
from components.trainers.training_config import TrainingConfig
from pipelines.configs.paper_config import PaperConfig, Preset

LEARNING_RATE, CLIP_NORM = 1e-4, 0.1
# Epochs in all, and before the rates fall.
DETECTION_EPOCHS, PANOPTIC_EPOCHS = (500, 400), (25, 15)
# Images at once in memory, as on each of the authors' GPUs.
IMAGES_A_PART = 2
# Of a network that starts at random; the paper's are for ImageNet's weights.
SCRATCH_RATE = 4e-4
# Least box AP50, and PQ, of what the sample pushes.
SAMPLE_AP_50, SAMPLE_PQ = 0.1, 0.1
# A retrained model may be worse by chance, by this much.
MAX_DROP = 0.02


class DetrConfig(PaperConfig):
    """Everything that can be set about a DETR run."""

    PRESETS: ClassVar[tuple[Preset, ...]] = (*PaperConfig.PRESETS, "small")

    experiment: DetrExperiment = DetrExperiment()
    data: CocoDataConfig = CocoDataConfig()
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig(learning_rate=LEARNING_RATE, clip_norm=CLIP_NORM)
    evaluation: EvaluationConfig = EvaluationConfig(metrics=("ap", "ap_50"))

    @classmethod
    def preset(cls, name: Preset, overrides: Mapping[str, Any]) -> DetrConfig:
        """The preset's values for the task and the data set that the overrides name."""
        task = overrides.get("data.task", CocoDataConfig.task)
        if name == "paper":
            usual = "coco_panoptic" if task == "panoptic" else CocoDataConfig.dataset
            config = _paper(overrides.get("data.dataset", usual), task)
        else:
            config = {"smoke": _smoke, "sample": _sample, "small": _small}[name](task)
        dataset = overrides.get("data.dataset", config.data.dataset)
        evaluation = _evaluation(name, dataset, task)
        return config.model_copy(update={"evaluation": evaluation})

    def derived(self, given: frozenset[str]) -> DetrConfig:
        """Classes and masks are the data section's; a mask head is for a detector that is there."""
        follows: dict[str, Any] = {
            "classes": self.data.num_classes,
            "masks": self.data.has_masks,
        }
        free = {name: value for name, value in follows.items() if f"network.{name}" not in given}
        experiment = self.experiment
        if self.data.has_masks and not given & {"experiment.detector", "experiment.backbone"}:
            experiment = replace(experiment, detector=BLESSED)
        return self.model_copy(
            update={"network": replace(self.network, **free), "experiment": experiment}
        )


def _paper(dataset: Dataset, task: Task) -> DetrConfig:
    epochs, drop = DETECTION_EPOCHS if task == "detection" else PANOPTIC_EPOCHS
    experiment = DetrExperiment(drop_epoch=drop)
    steps_per_epoch = OFFICIAL_RECORDS["train"] // experiment.batch_size
    return DetrConfig(
        experiment=experiment,
        data=CocoDataConfig(dataset=dataset, task=task),
        training=TrainingConfig(
            steps=None,
            epochs=epochs,
            learning_rate=LEARNING_RATE,
            clip_norm=CLIP_NORM,
            accumulation_steps=experiment.batch_size // IMAGES_A_PART,
            checkpoint_every_steps=steps_per_epoch // 10,
            summary_every_steps=steps_per_epoch // 10,
        ),
    )


def _small(task: Task) -> DetrConfig:
    """A twelfth of the paper's weights, all of which train, on pictures of 160 pixels."""
    steps, drop = (6_000, 50) if task == "detection" else (1_000, 0)
    return DetrConfig(
        experiment=DetrExperiment(backbone_learning_rate=SCRATCH_RATE, drop_epoch=drop),
        data=CocoDataConfig(
            dataset="coco_panoptic",
            task=task,
            subset=True,
            max_objects=16,
            canvas_size=168,
            eval_size=128,
            max_size=160,
            augmentation="flip_and_resize",
            train_sizes=(96, 112, 128),
        ),
        network=_small_network(),
        training=TrainingConfig(
            steps=steps,
            learning_rate=SCRATCH_RATE,
            clip_norm=CLIP_NORM,
            checkpoint_every_steps=250,
            summary_every_steps=100,
        ),
    )


def _small_network() -> NetworkConfig:
    return NetworkConfig(
        backbone_blocks=(1, 1, 1, 1),
        backbone_channels=32,
        dc5=True,
        first_trained_segment=0,
        norms_trained=True,
        hidden=128,
        feed_forward=512,
        encoder_layers=2,
        decoder_layers=3,
        queries=20,
        dropout=0.0,
    )


def _sample(task: Task) -> DetrConfig:
    """The same in less time: until the classes are learned, but not yet the boxes' last pixels."""
    small = _small(task)
    steps = 2_000 if task == "detection" else 1_000
    return small.model_copy(
        update={
            "experiment": replace(small.experiment, drop_epoch=0),
            "training": replace(small.training, steps=steps, summary_every_steps=50),
        }
    )


def _smoke(task: Task) -> DetrConfig:
    return DetrConfig(
        experiment=DetrExperiment(batch_size=4, summary_images=2, drop_epoch=0),
        data=CocoDataConfig(
            dataset="coco_panoptic",
            task=task,
            subset=True,
            max_objects=16,
            canvas_size=68,
            eval_size=48,
            max_size=64,
            train_sizes=(32, 48),
            crop_resize_sizes=(40, 48),
            crop_min=32,
            crop_max=48,
        ),
        network=NetworkConfig(
            backbone_blocks=(1, 1, 1, 1),
            backbone_channels=4,
            first_trained_segment=0,
            norms_trained=True,
            # The mask head cannot be narrower.
            hidden=128,
            feed_forward=32,
            encoder_layers=1,
            decoder_layers=2,
            queries=8,
        ),
        training=TrainingConfig(
            steps=12,
            learning_rate=LEARNING_RATE,
            clip_norm=CLIP_NORM,
            checkpoint_every_steps=5,
            summary_every_steps=4,
        ),
    )


def _evaluation(preset: Preset, dataset: Dataset, task: Task) -> EvaluationConfig:
    metrics = [name for name, (regions, _) in AVERAGE_METRICS.items() if regions == "boxes"]
    gated, least = "ap_50" if preset != "paper" else "ap", SAMPLE_AP_50
    if task == "panoptic":
        metrics = list(AVERAGE_METRICS)
        if dataset == "coco_panoptic":
            metrics += PANOPTIC_METRICS
            gated, least = "pq", SAMPLE_PQ
    gate = Gate(
        minimum=least if preset == "sample" else None,
        max_drop=MAX_DROP if preset != "smoke" else None,
    )
    return EvaluationConfig(metrics=tuple(metrics), gates={gated: gate})
