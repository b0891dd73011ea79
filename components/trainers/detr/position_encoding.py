"""Where a feature is in its image, as `hidden` numbers (the authors' models/position_encoding.py).

Both kinds give `[batch, height, width, hidden]` in float32.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.trainers.detr.initial_values import InitialValues
from components.trainers.detr.layers import weight
from components.trainers.detr.network_config import LEARNED_POSITIONS, NetworkConfig

TEMPERATURE = 10000.0
SCALE = 2.0 * math.pi
EPSILON = 1e-6


def sine_encoding(valid: tf.Tensor, hidden: int) -> tf.Tensor:
    """Sines and cosines of the position; its first half tells y, the second x.

    Positions count the image's own features from 1, and are scaled so that its last is 2 pi.

    Args:
        valid: bool `[batch, height, width]`, False on padding.
        hidden: A multiple of 4.
    """
    halves = [_waves(tf.cast(valid, tf.float32), axis, hidden // 2) for axis in (1, 2)]
    return tf.concat(halves, -1)


class SineEncoding(keras.layers.Layer):
    """The paper's encoding, without parameters."""

    def __init__(self, config: NetworkConfig, **options: Any) -> None:
        super().__init__(**options)
        self._hidden = config.hidden
        self.built = True

    def call(self, valid: tf.Tensor) -> tf.Tensor:
        """See `sine_encoding`."""
        return sine_encoding(valid, self._hidden)


class LearnedEncoding(keras.layers.Layer):
    """A vector for each row and one for each column, at most 50; x comes first here.

    Attributes:
        rows, columns: Their variables, `[50, hidden / 2]`.
    """

    def __init__(self, config: NetworkConfig, values: InitialValues, **options: Any) -> None:
        super().__init__(**options)
        shape = (LEARNED_POSITIONS, config.hidden // 2)
        self.rows = weight(self, "rows", values.unit_uniform(shape), autocast=False)
        self.columns = weight(self, "columns", values.unit_uniform(shape), autocast=False)
        self.built = True

    def call(self, valid: tf.Tensor) -> tf.Tensor:
        """The same for every image, whatever its size."""
        batch, height, width = tf.unstack(tf.shape(valid))
        rows, columns = (tf.convert_to_tensor(one) for one in (self.rows, self.columns))
        tf.debugging.assert_less_equal(
            tf.maximum(height, width),
            LEARNED_POSITIONS,
            "learned position encodings are for features of 50 x 50 and smaller: "
            "set network.positions to sine",
        )
        shape = tf.stack([batch, height, width, rows.shape[1]])
        return tf.concat(
            [
                tf.broadcast_to(columns[None, None, :width], shape),
                tf.broadcast_to(rows[None, :height, None], shape),
            ],
            -1,
        )


def _waves(valid: tf.Tensor, axis: int, features: int) -> tf.Tensor:
    places = tf.cumsum(valid, axis=axis)
    last = places[:, -1:, :] if axis == 1 else places[:, :, -1:]
    places = places / (last + EPSILON) * SCALE
    exponents = 2 * (np.arange(features) // 2) / features
    angles = places[..., None] / tf.constant(TEMPERATURE**exponents, tf.float32)
    waves = tf.stack([tf.sin(angles[..., 0::2]), tf.cos(angles[..., 1::2])], -1)
    shape = tf.concat([tf.shape(angles)[:-1], [features]], 0)
    return tf.reshape(waves, shape)
