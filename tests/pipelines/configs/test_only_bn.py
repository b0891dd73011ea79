"""Only-BN's presets follow from the data set, and hold the paper's numbers."""

from __future__ import annotations

from typing import Any

import pytest

from components.errors import ConfigError
from components.evaluators.eval_config import build_eval_config
from pipelines.configs.only_bn import OnlyBatchNormConfig
from pipelines.configs.paper_config import resolve_config


def config(preset: str, *assignments: str) -> Any:
    return resolve_config(OnlyBatchNormConfig, preset, assignments).config


def test_the_papers_recipe_for_cifar() -> None:
    paper = config("paper")
    assert (paper.training.epochs, paper.training.steps) == (160, None)
    assert paper.training.learning_rate == 0.1
    assert (paper.experiment.batch_size, paper.experiment.milestone_epochs) == (128, (80, 120))
    assert (paper.experiment.momentum, paper.experiment.weight_decay) == (0.9, 1e-4)
    assert (paper.data.augmentation, paper.data.padding) == ("flip_and_translate", 4)
    assert not paper.data.subset
    assert (paper.network.depth, paper.network.train, paper.network.gamma) == (14, "bn", "uniform")


def test_the_papers_recipe_for_imagenet() -> None:
    paper = config("paper", "data.dataset=imagenet")
    assert (paper.training.epochs, paper.training.learning_rate) == (90, 0.4)
    assert (paper.experiment.batch_size, paper.experiment.warmup_epochs) == (1024, 5)
    assert paper.experiment.milestone_epochs == (30, 60, 80)
    assert (paper.data.image_size, paper.data.shorter_side) == (224, 256)
    assert paper.data.augmentation == "random_resized_crop"
    assert (paper.network.family, paper.network.classes) == ("imagenet", 1000)


def test_a_smaller_batch_of_imagenet_takes_a_smaller_rate() -> None:
    paper = config("paper", "data.dataset=imagenet", "batch_size=256")
    assert paper.training.learning_rate == pytest.approx(0.1)


@pytest.mark.parametrize("preset", OnlyBatchNormConfig.PRESETS)
@pytest.mark.parametrize("dataset", ["cifar10", "imagenet", "tiny_imagenet"])
def test_every_preset_fits_its_data_set(preset: str, dataset: str) -> None:
    found = config(preset, f"data.dataset={dataset}")
    assert found.network.classes == found.data.num_classes
    found.experiment.check_image_size(found.data.image_size)
    metrics = build_eval_config(found.evaluation).metrics_specs[0].metrics
    assert {metric.class_name for metric in metrics} >= {"TopOneAccuracy", "DisabledFeatures"}


def test_classes_given_by_hand_stay() -> None:
    assert config("paper", "network.classes=3").network.classes == 3


def test_another_paper_has_no_efficient_preset() -> None:
    from pipelines.configs.siren import SirenConfig

    with pytest.raises(ConfigError, match=r"smoke \| sample \| paper"):
        resolve_config(SirenConfig, "efficient")
