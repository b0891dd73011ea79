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
        ("epochs", 0.0),
    ],
)
def test_number_out_of_range_is_named(name, value):
    with pytest.raises(ConfigError, match=f"training.{name}"):
        TrainingConfig(**{name: value})


def test_zero_steps_and_no_clipping_are_allowed():
    assert TrainingConfig(steps=0, clip_norm=None).steps == 0


def test_the_length_is_given_in_steps_or_in_epochs():
    assert TrainingConfig(steps=7, epochs=2.0).total_steps(10) == 7
    assert TrainingConfig(steps=None, epochs=2.5).total_steps(10) == 25
    with pytest.raises(ConfigError, match="no end"):
        TrainingConfig(steps=None)
    with pytest.raises(ConfigError, match="epochs"):
        TrainingConfig(steps=None, epochs=1.0).total_steps(None)
