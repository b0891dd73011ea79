"""Adam exactly as PyTorch computes it, which the papers' numbers come from."""

from __future__ import annotations

import math

import keras
import tensorflow as tf


class TorchAdam(keras.optimizers.Adam):
    """Adam with epsilon added *after* the bias correction.

    Keras adds it before, which makes it 1 / sqrt(1 - beta_2^t) times as large: 32 times in the
    first step, and felt wherever gradients are small, as in SIREN's first steps.

    Args:
        learning_rate: Step size.
        beta_1: Decay of the mean of gradients.
        beta_2: Decay of the mean of their squares.
        epsilon: Added to the root of the second mean.
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, name="adam")

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Updates one variable.

        Args:
            gradient: Summed over replicas.
            variable: What to update.
            learning_rate: Scalar.
        """
        dtype = variable.dtype
        gradient, rate = tf.cast(gradient, dtype), tf.cast(learning_rate, dtype)
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index], self._velocities[index]
        self.assign_add(mean, (gradient - mean) * (1.0 - self.beta_1))
        self.assign_add(square, (tf.square(gradient) - square) * (1.0 - self.beta_2))

        step = tf.cast(self.iterations + 1, dtype)
        root = tf.sqrt(tf.convert_to_tensor(square)) / tf.sqrt(_correction(self.beta_2, step))
        change = (rate / _correction(self.beta_1, step)) * mean / (root + self.epsilon)
        self.assign_sub(variable, change)


def _correction(beta: float, step: tf.Tensor) -> tf.Tensor:
    """1 - beta^step; `1 - pow` would lose four digits in float32 at the first steps."""
    return -tf.math.expm1(step * tf.constant(math.log(beta), step.dtype))
