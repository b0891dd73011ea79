"""Initial values of every variable, as in the authors' `weights_init`.

Each array has a random stream of its own, (seed, number of the array), so that no layer's values
depend on the sizes of those before it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from components.trainers.only_bn.initializers import kernel_values

Array = NDArray[np.float32]

GAMMA_DEVIATION = 0.02


class InitialValues:
    """Draws the arrays of a network, one after the other.

    Args:
        seed: Of the network; None gives zeros, for a network that is filled from another one.
    """

    def __init__(self, seed: tuple[int, ...] | None) -> None:
        self._seed = seed
        self._count = 0

    def kernel(self, shape: tuple[int, ...]) -> Array:
        """Orthogonal with gain 1, seen as the matrix (out, everything else)."""
        generator = self._next()
        if generator is None:
            return np.zeros(shape, np.float32)
        return kernel_values("orthogonal", shape, generator)

    def gamma(self, channels: int) -> Array:
        """BatchNorm's factors, N(1, 0.02^2)."""
        generator = self._next()
        if generator is None:
            return np.zeros(channels, np.float32)
        return generator.normal(1.0, GAMMA_DEVIATION, channels).astype(np.float32)

    def bias(self, count: int, fan_in: int) -> Array:
        """PyTorch's default, U(-1, 1) / sqrt(fan_in)."""
        generator = self._next()
        if generator is None:
            return np.zeros(count, np.float32)
        bound = 1.0 / math.sqrt(fan_in)
        return generator.uniform(-bound, bound, count).astype(np.float32)

    def _next(self) -> np.random.Generator | None:
        self._count += 1
        return None if self._seed is None else np.random.default_rng((*self._seed, self._count))
