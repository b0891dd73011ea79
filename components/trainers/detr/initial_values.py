"""Initial values of every variable, as PyTorch and the authors' code draw them.

Each array has a random stream of its own, (seed, number of the array), so that no layer's values
depend on the sizes of those before it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class InitialValues:
    """Draws the arrays of a network, one after the other.

    Args:
        seed: Of the network.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = 0

    def default(self, shape: tuple[int, ...], fan_in: int) -> Array:
        """PyTorch's default of layers, U(-1, 1) / sqrt(fan_in), for weights and biases alike."""
        return self._uniform(shape, 1.0 / math.sqrt(fan_in))

    def xavier(self, inputs: int, outputs: int) -> Array:
        """Xavier's uniform distribution, `[inputs, outputs]`.

        The packed projection of an attention counts as one matrix of three times the outputs.
        """
        return self._uniform((inputs, outputs), math.sqrt(6.0 / (inputs + outputs)))

    def kaiming(self, shape: tuple[int, ...]) -> Array:
        """Kaiming's uniform distribution with gain 1 (a = 1), of the mask head's convolutions."""
        return self._uniform(shape, math.sqrt(3.0 / math.prod(shape[:-1])))

    def kaiming_fan_out(self, shape: tuple[int, int, int, int]) -> Array:
        """Kaiming's normal distribution for ReLUs over the fan-out, of torchvision's ResNet."""
        height, width, _, outputs = shape
        deviation = math.sqrt(2.0 / (height * width * outputs))
        return self._next().standard_normal(shape, np.float32) * np.float32(deviation)

    def normal(self, shape: tuple[int, ...]) -> Array:
        """N(0, 1), of the query embedding."""
        return self._next().standard_normal(shape, np.float32)

    def unit_uniform(self, shape: tuple[int, ...]) -> Array:
        """U(0, 1), of the learned position encoding."""
        return self._next().random(shape, np.float32)

    def _uniform(self, shape: tuple[int, ...], bound: float) -> Array:
        return (self._next().random(shape, np.float32) * 2 - 1) * np.float32(bound)

    def _next(self) -> np.random.Generator:
        self._count += 1
        return np.random.default_rng((self._seed, self._count))
