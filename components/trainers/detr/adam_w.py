"""AdamW as PyTorch computes it, with a learning rate of its own for the backbone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from components.trainers.torch_adam import FusedTorchAdam

# A float32 less than this share of itself is the same float32: half of its last bit, and a margin.
ROUNDED_AWAY = 2.0**-26


class AdamW(FusedTorchAdam):
    """Adam beside which every variable shrinks by its rate times the weight decay.

    With the paper's numbers, 1e-4 times 1e-4, nothing shrinks: a float32 has no room for a change
    of 1e-8 of itself, in PyTorch as here. So it is left out, and the time of reading and writing
    all variables once more is saved.

    Args:
        learning_rate: A number or a schedule.
        rate_factors: Of each variable, in the order of `build`: what the rate is multiplied by.
        decay: Weight decay, of every variable, biases and norms included.
        largest_rate: Of the schedule; None: unknown.
    """

    def __init__(
        self,
        learning_rate: Any,
        rate_factors: Sequence[float],
        decay: float = 1e-4,
        *,
        largest_rate: float | None = None,
    ) -> None:
        super().__init__(learning_rate)
        self._rate_factors, self._decay = tuple(rate_factors), decay
        self._largest_rate = math.inf if largest_rate is None else largest_rate

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Updates one variable.

        Args:
            gradient: Summed over replicas.
            variable: What to update; this device's copy.
            learning_rate: Scalar, without the variable's factor.
        """
        factor = self._rate_factors[self._get_variable_index(variable)]
        rate = tf.cast(learning_rate, variable.dtype) * factor
        if factor * self._largest_rate * self._decay >= ROUNDED_AWAY:
            self.assign_sub(variable, variable * (rate * self._decay))
        super().update_step(gradient, variable, rate)
