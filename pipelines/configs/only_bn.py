"""Only-BN's configuration.

    papergarden run only_bn_pipeline --preset paper --data-root cifar-10-batches-bin \
        --set network.depth=866

| preset    | hardware    | time      | score | paper |
|-----------|-------------|-----------|-------|-------|
| smoke     | 2 CPU cores | 1 minute  | none to speak of: it shows that everything works | - |
| sample    | 2 CPU cores | 2 minutes | real digits, top-1 >= 0.8 | - |
| paper     | 1 GPU       | hours     | CIFAR-10: 0.82 at 866 layers | abstract |
|           |             |           | ImageNet: top-5 0.32 at 200 layers | abstract |
| efficient | 1 GPU       | hours     | not the paper's: a small network for Tiny ImageNet | - |

`data.dataset` is one of cifar10, imagenet and tiny_imagenet; network, sizes and recipe follow from
it. `network.train` chooses what trains: bn, or one of the controls. The numbers of `paper` are
those of the authors' code; it tells nothing of Tiny ImageNet, which takes CIFAR-10's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from components.evaluators.evaluation_config import EvaluationConfig, Gate
from components.example_gens.labelled_image_config import (
    NUM_CLASSES,
    Dataset,
    LabelledImageDataConfig,
)
from components.example_gens.labelled_image_features import CLASS_LABEL
from components.trainers.only_bn.experiment import OnlyBatchNormExperiment
from components.trainers.only_bn.network_config import NetworkConfig
from components.trainers.training_config import TrainingConfig
from pipelines.configs.paper_config import PaperConfig, Preset

IMAGENET_BATCH, IMAGENET_RATE = 1024, 0.4
# The share of right answers that a model must reach to be pushed.
SAMPLE_TOP_1 = 0.8
# A retrained model may be worse by chance, by this much.
MAX_DROP = 0.02


class OnlyBatchNormConfig(PaperConfig):
    """Everything that can be set about an Only-BN run."""

    PRESETS: ClassVar[tuple[Preset, ...]] = (*PaperConfig.PRESETS, "efficient")

    experiment: OnlyBatchNormExperiment = OnlyBatchNormExperiment()
    data: LabelledImageDataConfig = LabelledImageDataConfig()
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig(learning_rate=0.1)
    evaluation: EvaluationConfig = EvaluationConfig(metrics=("top_1", "top_5"))

    @classmethod
    def preset(cls, name: Preset, overrides: Mapping[str, Any]) -> OnlyBatchNormConfig:
        """The preset's values for the data set that the overrides name."""
        if name == "efficient":
            return _efficient()
        dataset = overrides.get("data.dataset", LabelledImageDataConfig.dataset)
        if name == "paper":
            return _imagenet(overrides) if dataset == "imagenet" else _cifar(dataset)
        return _smoke(dataset) if name == "smoke" else _sample(dataset)

    def derived(self, given: frozenset[str]) -> OnlyBatchNormConfig:
        """The classes are the data set's."""
        if "network.classes" in given:
            return self
        classes = NUM_CLASSES[self.data.dataset]
        return self.model_copy(update={"network": replace(self.network, classes=classes)})


def _cifar(dataset: Dataset) -> OnlyBatchNormConfig:
    side = 64 if dataset == "tiny_imagenet" else 32
    steps_per_epoch = 782 if dataset == "tiny_imagenet" else 391
    return OnlyBatchNormConfig(
        data=LabelledImageDataConfig(dataset=dataset, image_size=side),
        training=TrainingConfig(
            steps=None,
            epochs=160,
            learning_rate=0.1,
            checkpoint_every_steps=steps_per_epoch,
            summary_every_steps=steps_per_epoch,
        ),
        evaluation=_evaluation(None),
    )


def _imagenet(overrides: Mapping[str, Any]) -> OnlyBatchNormConfig:
    batch = overrides.get("experiment.batch_size", IMAGENET_BATCH)
    return OnlyBatchNormConfig(
        experiment=OnlyBatchNormExperiment(
            batch_size=IMAGENET_BATCH, milestone_epochs=(30, 60, 80), warmup_epochs=5
        ),
        data=LabelledImageDataConfig(
            dataset="imagenet",
            image_size=224,
            resize_shorter_side=256,
            augmentation="random_resized_crop",
        ),
        network=NetworkConfig(family="imagenet", depth=18),
        training=TrainingConfig(
            steps=None,
            epochs=90,
            # Linear scaling, for those whose memory holds a smaller batch.
            learning_rate=IMAGENET_RATE * batch / IMAGENET_BATCH,
            checkpoint_every_steps=1252,
            summary_every_steps=1252,
        ),
        evaluation=_evaluation(None),
    )


def _efficient() -> OnlyBatchNormConfig:
    """Cheap steps instead of frozen weights: small images first, separable convolutions."""
    return OnlyBatchNormConfig(
        experiment=OnlyBatchNormExperiment(
            schedule="cyclic",
            cycle_epochs=10,
            cycle_base_factor=0.02,
            image_sides=(32, 48, 64),
            image_side_epochs=(10, 20),
        ),
        data=LabelledImageDataConfig(dataset="tiny_imagenet", image_size=64),
        network=NetworkConfig(
            depth=20, width=32, train="all", gamma="fixed", convolutions="separable"
        ),
        training=TrainingConfig(
            steps=None,
            epochs=30,
            learning_rate=0.1,
            checkpoint_every_steps=782,
            summary_every_steps=782,
        ),
        evaluation=_evaluation(None),
    )


def _sample(dataset: Dataset) -> OnlyBatchNormConfig:
    """CIFAR-10's recipe, shortened; the digits are made smaller and not mirrored."""
    data = _cifar(dataset).data
    digits = dataset == "cifar10"
    if digits:
        data = replace(data, image_size=16, padding=2, augmentation="translate")
    return OnlyBatchNormConfig(
        experiment=OnlyBatchNormExperiment(batch_size=32, milestone_epochs=(40, 52)),
        data=replace(data, subset=True),
        training=TrainingConfig(
            steps=None,
            epochs=60,
            learning_rate=0.1,
            checkpoint_every_steps=470,
            summary_every_steps=94,
        ),
        evaluation=_evaluation(SAMPLE_TOP_1 if digits else None),
    )


def _smoke(dataset: Dataset) -> OnlyBatchNormConfig:
    return OnlyBatchNormConfig(
        experiment=OnlyBatchNormExperiment(batch_size=32),
        data=_sample(dataset).data,
        network=NetworkConfig(depth=8, width=4),
        training=TrainingConfig(
            steps=30, learning_rate=0.1, checkpoint_every_steps=10, summary_every_steps=5
        ),
        evaluation=_evaluation(None),
    )


def _evaluation(minimum_top_1: float | None) -> EvaluationConfig:
    return EvaluationConfig(
        metrics=("top_1", "top_5", "cross_entropy", "disabled_features"),
        slices=(CLASS_LABEL,),
        gates={"top_1": Gate(minimum=minimum_top_1, max_drop=MAX_DROP)},
    )
