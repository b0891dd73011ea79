"""The recipe's own checks: what it accepts, what it refuses, and how it counts steps."""

from __future__ import annotations

from typing import Any

import pytest

from components.errors import ConfigError
from components.trainers.only_bn.experiment import OnlyBatchNormExperiment


def test_defaults_are_the_papers_for_cifar() -> None:
    experiment = OnlyBatchNormExperiment()
    assert (experiment.schedule, experiment.image_sides) == ("steps", ())
    assert experiment.image_side_steps(50_000) == (0,)
    experiment.check_image_size(32)


def test_sides_begin_at_the_first_step_of_their_epoch() -> None:
    experiment = OnlyBatchNormExperiment(
        batch_size=128, image_sides=(32, 48, 64), image_side_epochs=(10, 20)
    )
    assert experiment.image_side_steps(100_000) == (0, 7820, 15640)


def test_lists_serve_as_well_as_tuples() -> None:
    fields: dict[str, Any] = {"image_sides": [32, 64], "image_side_epochs": [3]}
    experiment = OnlyBatchNormExperiment(**fields)
    assert experiment.image_side_steps(128) == (0, 3)


def test_last_side_is_the_one_that_evaluation_uses() -> None:
    experiment = OnlyBatchNormExperiment(image_sides=(32, 48), image_side_epochs=(10,))
    experiment.check_image_size(48)
    with pytest.raises(ConfigError, match="48 pixels") as caught:
        experiment.check_image_size(64)
    assert "64 pixels (data.image_size)" in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"cycle_epochs": 1}, "cycle_epochs"),
        ({"cycle_base_factor": 1.0}, "cycle_base_factor"),
        ({"cycle_base_factor": -0.1}, "cycle_base_factor"),
        ({"schedule": "cyclic", "warmup_epochs": 5}, "warmup_epochs"),
        ({"image_sides": (64, 48), "image_side_epochs": (3,)}, "image_sides"),
        ({"image_sides": (48, 48), "image_side_epochs": (3,)}, "image_sides"),
        ({"image_sides": (4, 48), "image_side_epochs": (3,)}, "image_sides"),
        ({"image_sides": (32, 64)}, "image_side_epochs"),
        ({"image_side_epochs": (3,)}, "image_side_epochs"),
        ({"image_sides": (32, 64), "image_side_epochs": (0,)}, "image_side_epochs"),
        ({"image_sides": (32, 48, 64), "image_side_epochs": (5, 5)}, "image_side_epochs"),
        ({"milestone_epochs": (0, 5)}, "milestone_epochs"),
    ],
)
def test_recipes_that_cannot_be_are_refused(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=f"experiment.{named}"):
        OnlyBatchNormExperiment(**fields)
