"""FineGAN's configuration.

    papergarden run finegan_pipeline --preset paper --data-root CUB_200_2011

| preset | hardware    | time       | score | paper |
|--------|-------------|------------|-------|-------|
| smoke  | 2 CPU cores | 1 minute   | none to speak of: it shows that everything works | - |
| sample | 2 CPU cores | 5 minutes  | generated birds, Fréchet distance (random network) <= 3 | - |
| small  | 2 CPU cores | 1 hour     | birds apart from their backgrounds, see docs/finegan.md | - |
| paper  | 1 GPU       | days       | CUB: FID 11.25, Inception score 52.53 | table 1 |

Without a data root, `smoke`, `sample` and `small` train on generated birds. `data.dataset` is one
of cub, stanford_cars and stanford_dogs, and `data.subset` accepts a part of one. The networks'
codes and size follow from the data section, the metrics from `generated_images.feature_network`.
The numbers of `paper` are those of the authors' code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from components.evaluators.evaluation_config import EvaluationConfig, Gate
from components.evaluators.generated_images_config import (
    GENERATED_IMAGE_METRICS,
    GeneratedImagesConfig,
)
from components.example_gens.boxed_image_config import OFFICIAL, BoxedImageDataConfig, Dataset
from components.trainers.finegan.experiment import FineGanExperiment
from components.trainers.finegan.network_config import NetworkConfig
from components.trainers.training_config import TrainingConfig
from pipelines.configs.paper_config import PaperConfig, Preset

LEARNING_RATE = 2e-4
# Epochs of the paper, without the phase of hard negatives.
PAPER_EPOCHS = 600
# The authors' number; their loop over one epoch ends before it on every data set of the paper.
MOST_HARD_NEGATIVE_STEPS = 1500
# Largest Fréchet distance that is pushed, by the random network alone: its scale is its own.
SAMPLE_DISTANCE = 3.0
# The paper's average spans a thousand steps, and would still show the start of so short a training.
SHORT_AVERAGE_DECAY = 0.99
# By how much a retrained model's may be larger, by chance.
MAX_RISE = 2.0


class FineGanConfig(PaperConfig):
    """Everything that can be set about a FineGAN run."""

    PRESETS: ClassVar[tuple[Preset, ...]] = (*PaperConfig.PRESETS, "small")

    experiment: FineGanExperiment = FineGanExperiment()
    data: BoxedImageDataConfig = BoxedImageDataConfig()
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig(learning_rate=LEARNING_RATE)
    generated_images: GeneratedImagesConfig = GeneratedImagesConfig()
    evaluation: EvaluationConfig = EvaluationConfig(metrics=("cluster_nmi", "cluster_accuracy"))

    @classmethod
    def preset(cls, name: Preset, overrides: Mapping[str, Any]) -> FineGanConfig:
        """The preset's values for the data set and the feature network that the overrides name."""
        dataset = overrides.get("data.dataset", BoxedImageDataConfig.dataset)
        if name == "paper":
            config = _paper(dataset, overrides)
        else:
            config = {"smoke": _smoke, "sample": _sample, "small": _small}[name](dataset)
        feature_network = overrides.get(
            "generated_images.feature_network", config.generated_images.feature_network
        )
        maximum = SAMPLE_DISTANCE if name == "sample" else None
        evaluation = _evaluation(feature_network, maximum, compared=name != "smoke")
        return config.model_copy(update={"evaluation": evaluation})

    def derived(self, given: frozenset[str]) -> FineGanConfig:
        """The networks' size and codes are the data section's."""
        follows = {
            "image_size": self.data.image_size,
            "parents": self.data.num_super_classes,
            "children": self.data.num_fine_classes,
        }
        free = {name: value for name, value in follows.items() if f"network.{name}" not in given}
        return self.model_copy(update={"network": replace(self.network, **free)})


def _paper(dataset: Dataset, overrides: Mapping[str, Any]) -> FineGanConfig:
    batch = overrides.get("experiment.batch_size", FineGanExperiment.batch_size)
    images = OFFICIAL[dataset].num_training_images
    steps_per_epoch = max(1, images // batch)
    return FineGanConfig(
        experiment=FineGanExperiment(
            hard_negative_steps=min(MOST_HARD_NEGATIVE_STEPS, steps_per_epoch)
        ),
        data=BoxedImageDataConfig(dataset=dataset),
        training=TrainingConfig(
            steps=None,
            # One more, of hard negatives.
            epochs=PAPER_EPOCHS + 1,
            learning_rate=LEARNING_RATE,
            checkpoint_every_steps=steps_per_epoch,
            summary_every_steps=steps_per_epoch,
        ),
    )


def _small(dataset: Dataset) -> FineGanConfig:
    """Half the paper's widths at half its size, for a machine without a GPU."""
    return FineGanConfig(
        experiment=FineGanExperiment(average_decay=SHORT_AVERAGE_DECAY, hard_negative_steps=200),
        data=_subset(dataset, image_size=64),
        network=NetworkConfig(generator_width=32, discriminator_width=32),
        training=TrainingConfig(
            steps=3_000,
            learning_rate=LEARNING_RATE,
            checkpoint_every_steps=200,
            summary_every_steps=100,
        ),
    )


def _sample(dataset: Dataset) -> FineGanConfig:
    return FineGanConfig(
        experiment=FineGanExperiment(average_decay=SHORT_AVERAGE_DECAY, hard_negative_steps=50),
        data=_subset(dataset, image_size=32),
        network=NetworkConfig(generator_width=32, discriminator_width=32),
        training=TrainingConfig(
            steps=1_200,
            learning_rate=LEARNING_RATE,
            checkpoint_every_steps=200,
            summary_every_steps=50,
        ),
        generated_images=GeneratedImagesConfig(images_per_child=50),
    )


def _smoke(dataset: Dataset) -> FineGanConfig:
    return FineGanConfig(
        experiment=FineGanExperiment(batch_size=4, hard_negative_steps=4, candidate_batches=2),
        data=replace(_subset(dataset, image_size=32), fine_classes=4, super_classes=2),
        network=NetworkConfig(
            generator_width=4, discriminator_width=4, noise_size=8, residual_blocks=1
        ),
        training=TrainingConfig(
            steps=20, learning_rate=LEARNING_RATE, checkpoint_every_steps=8, summary_every_steps=5
        ),
        generated_images=GeneratedImagesConfig(feature_network="pixels", images_per_child=8),
    )


def _subset(dataset: Dataset, image_size: int) -> BoxedImageDataConfig:
    """As many codes as the generated set has classes; a part of a real set may have more."""
    return BoxedImageDataConfig(
        dataset=dataset, subset=True, image_size=image_size, super_classes=4, fine_classes=20
    )


def _evaluation(
    feature_network: str, maximum_distance: float | None, *, compared: bool
) -> EvaluationConfig:
    names = [name for name, (by, _) in GENERATED_IMAGE_METRICS.items() if by == feature_network]
    distance = names[0]
    if feature_network != GeneratedImagesConfig.feature_network:
        maximum_distance = None
    gate = Gate(maximum=maximum_distance, max_rise=MAX_RISE if compared else None)
    return EvaluationConfig(
        metrics=(*names, "cluster_nmi", "cluster_accuracy"), gates={distance: gate}
    )
