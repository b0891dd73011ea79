"""Which features BatchNorm switches off: the paper finds about a third of them after training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tensorflow as tf

# Below this magnitude of gamma the paper calls a feature disabled.
DISABLED_GAMMA = 0.01


def disabled_features(gammas: Iterable[Any]) -> tf.Tensor:
    """The share of features that are disabled, a float32 scalar in [0, 1].

    Args:
        gammas: Of each BatchNorm, `[channels]`.
    """
    together = tf.concat([tf.convert_to_tensor(gamma) for gamma in gammas], axis=0)
    return tf.reduce_mean(tf.cast(tf.abs(together) < DISABLED_GAMMA, tf.float32))
