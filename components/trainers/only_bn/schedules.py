"""Learning rates as a function of the update's number.

Source: the authors' training/optimizers.py: a product of a step schedule and a linear warm-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


class StepsWithWarmup(keras.optimizers.schedules.LearningRateSchedule):
    """The rate times `factor` at every milestone passed, rising from 0 during the warm-up.

    Args:
        learning_rate: The rate after the warm-up and before the first milestone.
        milestones: Updates; the update of that number already has the lower rate.
        factor: Of each milestone.
        warmup_steps: Updates until the full rate; the first has the rate 0.
    """

    def __init__(
        self,
        learning_rate: float,
        milestones: Sequence[int],
        factor: float = 0.1,
        warmup_steps: int = 0,
    ) -> None:
        self.learning_rate = learning_rate
        self.milestones = tuple(milestones)
        self.factor, self.warmup_steps = factor, warmup_steps

    def __call__(self, step: Any) -> tf.Tensor:
        """The rate of the update after `step` others, float32."""
        number = tf.cast(step, tf.int64)
        milestones = tf.constant(self.milestones, tf.int64)
        passed = tf.reduce_sum(tf.cast(milestones <= number, tf.float32))
        rate = self.learning_rate * tf.pow(tf.constant(self.factor), passed)
        if not self.warmup_steps:
            return rate
        return rate * tf.minimum(1.0, tf.cast(number, tf.float32) / self.warmup_steps)

    def get_config(self) -> dict[str, Any]:
        """The arguments, for Keras."""
        return {
            "learning_rate": self.learning_rate,
            "milestones": self.milestones,
            "factor": self.factor,
            "warmup_steps": self.warmup_steps,
        }
