"""AdamW as PyTorch computes it, with a learning rate of its own for the backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from components.trainers.torch_adam import FusedTorchAdam


class AdamW(FusedTorchAdam):
    """Adam beside which every variable shrinks by its rate times the weight decay.

    Args:
        learning_rate: A number or a schedule.
        rate_factors: Of each variable, in the order of `build`: what the rate is multiplied by.
        decay: Weight decay, of every variable, biases and norms included.
    """

    def __init__(
        self, learning_rate: Any, rate_factors: Sequence[float], decay: float = 1e-4
    ) -> None:
        super().__init__(learning_rate)
        self._rate_factors, self._decay = tuple(rate_factors), decay

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
        self.assign_sub(variable, variable * (rate * self._decay))
        super().update_step(gradient, variable, rate)
