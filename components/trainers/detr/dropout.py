"""Dropout whose masks are a function of a seed alone, so that a resumed run drops the same."""

from __future__ import annotations

import tensorflow as tf

from components.transforms.augmentation_seeds import ALGORITHM


class Dropout:
    """The dropouts of one pass through a network; each call has a stream of its own.

    Args:
        rate: Share of the features that become 0; the others grow, so that the mean stays.
        seed: int64 `[2]`; None drops nothing, as in evaluation.
    """

    def __init__(self, rate: float, seed: tf.Tensor | None) -> None:
        self._rate, self._seed = rate, seed
        self._calls = 0

    def __call__(self, features: tf.Tensor) -> tf.Tensor:
        """Drops features, of any shape."""
        if self._seed is None or not self._rate:
            return features
        seed = self._seed + tf.constant([0, self._calls], tf.int64)
        self._calls += 1
        uniform = tf.random.stateless_uniform(tf.shape(features), seed, alg=ALGORITHM)
        kept = tf.cast(uniform >= self._rate, features.dtype)
        return features * kept * tf.constant(1.0 / (1.0 - self._rate), features.dtype)
