"""Initial values of every variable, as in the authors' `weights_init`.

Each array has a random stream of its own, (seed, number of the array), so that no layer's values
depend on the sizes of those before it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

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
        return _orthogonal(shape, generator)

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


def _orthogonal(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """The orthogonal factor of a normal matrix, as PyTorch makes it (its own signs included)."""
    rows, columns = math.prod(shape[:-1]), shape[-1]
    long, short = max(rows, columns), min(rows, columns)
    normal = generator.standard_normal((long, short), np.float32)
    if long < 2 * short:
        orthogonal, triangular = np.linalg.qr(normal)
        orthogonal = orthogonal * np.sign(np.diag(triangular))
    else:
        # The same factor, by products of matrices alone (the decomposition takes several times as
        # long); exact enough, because such long matrices are well conditioned.
        lower = np.linalg.cholesky(normal.T @ normal)
        orthogonal = normal @ np.linalg.inv(lower).T
    matrix = orthogonal if rows >= columns else orthogonal.T
    return np.ascontiguousarray(matrix.reshape(shape), np.float32)
