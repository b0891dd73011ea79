"""Learning rates as a function of the update's number.

Sources: the authors' training/optimizers.py, a product of a step schedule and a linear warm-up; and
L. Smith, "Cyclical Learning Rates for Training Neural Networks" (WACV 2017, arXiv 1506.01186).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
import tensorflow as tf

from components.trainers.only_bn.experiment import OnlyBatchNormExperiment


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


class Cyclic(keras.optimizers.schedules.LearningRateSchedule):
    """Smith's triangular rate: up from the base to the maximum and down again, in straight lines.

    With his step size, half of `cycle_steps`:
    cycle = floor(1 + step / (2 * step size)), x = |step / step size - 2 * cycle + 1|,
    rate = base + (maximum - base) * max(0, 1 - x);
    `triangular2` divides the difference by 2^(cycle - 1).

    Args:
        base: The lowest rate.
        maximum: The highest.
        cycle_steps: Updates of a whole cycle.
        policy: Whether each cycle rises as far, or half as far as the one before.
    """

    def __init__(
        self,
        base: float,
        maximum: float,
        cycle_steps: int,
        policy: Literal["triangular", "triangular2"] = "triangular",
    ) -> None:
        self.base, self.maximum = base, maximum
        self.cycle_steps, self.policy = cycle_steps, policy

    def __call__(self, step: Any) -> tf.Tensor:
        """The rate of the update after `step` others, float32."""
        # In whole numbers: float32 loses single steps from 2^24 on.
        number = tf.cast(step, tf.int64)
        position = number % self.cycle_steps
        risen = self.cycle_steps - tf.abs(2 * position - self.cycle_steps)
        share = tf.cast(risen, tf.float32) / self.cycle_steps
        if self.policy == "triangular2":
            share *= tf.pow(0.5, tf.cast(number // self.cycle_steps, tf.float32))
        # A mean of the two, not base plus a difference: both ends are exact.
        return self.base * (1.0 - share) + self.maximum * share

    def get_config(self) -> dict[str, Any]:
        """The arguments, for Keras."""
        return {
            "base": self.base,
            "maximum": self.maximum,
            "cycle_steps": self.cycle_steps,
            "policy": self.policy,
        }


def rate_schedule(
    experiment: OnlyBatchNormExperiment, learning_rate: float, steps_per_epoch: int
) -> StepsWithWarmup | Cyclic:
    """The schedule that the experiment asks for.

    Args:
        experiment: The recipe, in epochs.
        learning_rate: `training.learning_rate`: the highest.
        steps_per_epoch: Updates an epoch.
    """
    if experiment.schedule == "cyclic":
        return Cyclic(
            experiment.cycle_base_factor * learning_rate,
            learning_rate,
            experiment.cycle_epochs * steps_per_epoch,
            experiment.cycle_policy,
        )
    return StepsWithWarmup(
        learning_rate,
        [epoch * steps_per_epoch for epoch in experiment.milestone_epochs],
        experiment.milestone_factor,
        experiment.warmup_epochs * steps_per_epoch,
    )
