from __future__ import annotations

from typing import Any

import pytest
from tiny_detr import tiny_network

from components.errors import ConfigError
from components.trainers.detr.experiment import DetrExperiment
from components.trainers.detr.loss_weights import LossWeights


def test_the_defaults_are_the_papers() -> None:
    experiment = DetrExperiment()
    assert experiment.loss_weights == LossWeights()
    assert (experiment.batch_size, experiment.drop_epoch) == (16, 200)
    assert not experiment.frozen_detector


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"drop_factor": 0.0}, "drop_factor"),
        ({"no_object_weight": 1.5}, "no_object_weight"),
        ({"box_weight": -1.0}, "box_weight"),
        ({"detector": "model", "backbone": "resnet.npz"}, "both given"),
    ],
)
def test_values_that_cannot_be_used_are_refused(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        DetrExperiment(**changes)


def test_a_detector_is_for_a_mask_head() -> None:
    experiment = DetrExperiment(detector="model")
    experiment.check_network(tiny_network(masks=True))
    with pytest.raises(ConfigError, match="task=panoptic"):
        experiment.check_network(tiny_network())
