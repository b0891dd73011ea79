"""The fused Adam against PyTorch's formula in numpy float64."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from components.trainers.torch_adam import FusedTorchAdam


@pytest.mark.parametrize("beta_1", [0.0, 0.5])
def test_updates_are_pytorchs(beta_1: float) -> None:
    generator = np.random.default_rng(0)
    start = generator.normal(size=50)
    # Sizes about epsilon tell where it is added.
    gradients = generator.normal(size=(6, 50)) * 10.0 ** generator.integers(-10, 1, 50)
    variable = keras.Variable(start.astype(np.float32))
    optimizer = FusedTorchAdam(2e-4, beta_1, 0.999)
    optimizer.build([variable])
    mean, square, expected = np.zeros(50), np.zeros(50), start.astype(np.float32).astype(np.float64)
    for step, gradient in enumerate(gradients.astype(np.float32).astype(np.float64), start=1):
        optimizer.apply_gradients([(gradient.astype(np.float32), variable)])
        mean = beta_1 * mean + (1 - beta_1) * gradient
        square = 0.999 * square + 0.001 * gradient**2
        root = np.sqrt(square / (1 - 0.999**step))
        expected = expected - 2e-4 * mean / (1 - beta_1**step) / (root + 1e-8)
    # Steps are 2e-4; a float32 of size 1 resolves 6e-8.
    np.testing.assert_allclose(np.array(variable), expected, rtol=0, atol=6e-7)
    assert int(optimizer.iterations) == len(gradients)
