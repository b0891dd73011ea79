"""The ranges of the settings."""

import pytest

from components.errors import ConfigError
from components.trainers.training_config import TrainingConfig


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", -1),
        ("seed", -1),
        ("threads", -1),
        ("accumulation_steps", 0),
        ("checkpoint_every_steps", 0),
        ("summary_every_steps", 0),
        ("keep_checkpoints", 1),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("clip_norm", -1.0),
    ],
)
def test_number_out_of_range_is_named(name, value):
    with pytest.raises(ConfigError, match=f"training.{name}"):
        TrainingConfig(**{name: value})


def test_zero_steps_and_no_clipping_are_allowed():
    assert TrainingConfig(steps=0, clip_norm=None).steps == 0
