"""Adam against torch's formula."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from components.trainers.torch_adam import TorchAdam


def torchs_adam(start: np.ndarray, gradients: list[np.ndarray], rate: float) -> np.ndarray:
    """torch.optim.Adam with its defaults, in float64."""
    value, mean, square = start.astype(np.float64), 0.0, 0.0
    for step, gradient in enumerate(gradients, start=1):
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        root = np.sqrt(square) / np.sqrt(1 - 0.999**step) + 1e-8
        value = value - rate * mean / (1 - 0.9**step) / root
    return value


def after(optimizer: keras.optimizers.Optimizer, gradients: list[np.ndarray]) -> np.ndarray:
    variable = keras.Variable(np.zeros(3, np.float32))
    for gradient in gradients:
        optimizer.apply_gradients([(tf.constant(gradient), variable)])
    return variable.numpy()


GRADIENTS = [
    np.array([1.0, 1e-4, 1e-8], np.float32) * factor for factor in (1.0, -0.3, 0.7, 2.0, 0.1)
]


def test_steps_equal_torchs_even_for_gradients_as_small_as_epsilon() -> None:
    expected = torchs_adam(np.zeros(3), GRADIENTS, 1e-3)
    np.testing.assert_allclose(after(TorchAdam(1e-3), GRADIENTS), expected, rtol=2e-6)


def test_keras_own_adam_would_not_do() -> None:
    expected = torchs_adam(np.zeros(3), GRADIENTS, 1e-3)
    found = after(keras.optimizers.Adam(1e-3, epsilon=1e-8), GRADIENTS)
    assert not np.allclose(found, expected, rtol=0.1)
