"""Initial values, as in the authors' models/initializers.py and bn_initializers.py (open_lth).

Every variable has a stream of its own, (seed, number of the variable), so that a change of one
layer leaves the others as they were.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from components.trainers.only_bn.network_config import GammaInitialisation, KernelInitialisation

Array = NDArray[np.float32]


def kernel_values(
    kind: KernelInitialisation, shape: tuple[int, ...], generator: np.random.Generator
) -> Array:
    """A kernel's initial values; its fan-in counts, with the gain of ReLU, sqrt(2).

    Args:
        kind: The distribution.
        shape: `[height, width, in, out]` or `[in, out]`.
        generator: The variable's own stream.
    """
    deviation = math.sqrt(2.0 / math.prod(shape[:-1]))
    if kind == "kaiming_uniform":
        bound = math.sqrt(3.0) * deviation
        return generator.uniform(-bound, bound, shape).astype(np.float32)
    normal = generator.standard_normal(shape, np.float32)
    if kind == "binary":
        return np.sign(normal) * np.float32(deviation)
    if kind == "orthogonal":
        return _orthogonal(normal)
    return normal * np.float32(deviation)


def gamma_and_beta_values(
    kind: GammaInitialisation, channels: int, generator: np.random.Generator
) -> tuple[Array, Array]:
    """BatchNorm's initial gamma and beta, each `[channels]`."""
    ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    if kind == "fixed":
        return ones, zeros
    if kind == "one_one":
        return ones, ones
    lowest = -1.0 if kind == "positive_negative" else 0.0
    return generator.uniform(lowest, 1.0, channels).astype(np.float32), zeros


def chosen_weights(shape: tuple[int, ...], count: int, generator: np.random.Generator) -> NDArray:
    """Which weights of a kernel train, `count` of each output channel (fewer if it has fewer).

    Returns:
        Positions `[chosen, 4]`, int32, no two of them equal.
    """
    inputs, outputs = math.prod(shape[:-1]), shape[-1]
    count = min(count, inputs)
    rows = np.concatenate([generator.permutation(inputs)[:count] for _ in range(outputs)])
    columns = np.repeat(np.arange(outputs), count)
    positions = np.unravel_index(rows * outputs + columns, shape)
    return np.stack(positions, axis=1).astype(np.int32)


def _orthogonal(normal: Array) -> Array:
    flat = normal.reshape(-1, normal.shape[-1])
    tall = flat if flat.shape[0] >= flat.shape[1] else flat.T
    orthogonal, triangular = np.linalg.qr(tall)
    orthogonal = orthogonal * np.sign(np.diag(triangular))
    columns = orthogonal if flat.shape[0] >= flat.shape[1] else orthogonal.T
    return np.ascontiguousarray(columns.reshape(normal.shape), np.float32)
