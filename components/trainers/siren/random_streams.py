"""Seeds of everything random in SIREN, each a function of (run seed, purpose, index) alone."""

from __future__ import annotations

from enum import IntEnum

import tensorflow as tf

from components.transforms.augmentation_seeds import ALGORITHM, fold_in


class Purpose(IntEnum):
    """What random numbers are for; each purpose draws from a stream of its own."""

    KERNEL = 1
    BIAS = 2
    RBF_CENTRES = 3
    PRIOR_POINTS = 4
    SAMPLES = 5


def stream_seed(seed: int, purpose: Purpose, index: int | tf.Tensor) -> tf.Tensor:
    """Derives the seed of one draw.

    Args:
        seed: The run's seed.
        purpose: What the numbers are for.
        index: Which draw: the number of the layer, or the step.

    Returns:
        int64 `[2]`, for TensorFlow's stateless random operations.
    """
    return fold_in(tf.constant([seed, int(purpose)], tf.int64), index)


def uniform(
    shape: tuple[int, ...], bound: float, seed: tf.Tensor, dtype: str = "float32"
) -> tf.Tensor:
    """Draws from U(-bound, bound) without state.

    Args:
        shape: Shape of the result.
        bound: Half the width of the interval.
        seed: int64 `[2]`, from `stream_seed`.
        dtype: A floating-point type.

    Returns:
        A tensor of `shape`.
    """
    return tf.random.stateless_uniform(
        shape, seed, minval=-bound, maxval=bound, dtype=dtype, alg=ALGORITHM
    )


def normal(
    shape: tuple[int, ...], deviation: float, seed: tf.Tensor, dtype: str = "float32"
) -> tf.Tensor:
    """Draws from N(0, deviation^2) without state.

    Args:
        shape: Shape of the result.
        deviation: Standard deviation.
        seed: int64 `[2]`, from `stream_seed`.
        dtype: A floating-point type.

    Returns:
        A tensor of `shape`.
    """
    return tf.random.stateless_normal(shape, seed, stddev=deviation, dtype=dtype, alg=ALGORITHM)


def indices(count: int, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Draws positions with replacement.

    Args:
        count: How many.
        size: Positions to choose from.
        seed: int64 `[2]`, from `stream_seed`.

    Returns:
        int64 `[count]`, in [0, size).
    """
    return tf.random.stateless_uniform(
        [count], seed, minval=0, maxval=size, dtype=tf.int64, alg=ALGORITHM
    )
