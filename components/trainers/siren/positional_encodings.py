"""What the paper compares sines with: NeRF's positional encoding and radial basis functions."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from components.errors import ConfigError
from components.trainers.siren.random_streams import Purpose, stream_seed, uniform

FREQUENCIES_IN_SPACE = 10
RBF_SHARPNESS = 10.0


def nyquist_frequencies(num_samples: int) -> int:
    """Number of octaves below the Nyquist rate of a signal on [-1, 1].

    Args:
        num_samples: Samples along the shorter axis.

    Returns:
        floor(log2(1 / (2 * 2 / num_samples))).

    Raises:
        ConfigError: There are too few samples for a single octave.
    """
    if num_samples < 8:
        raise ConfigError(
            "NeRF's encoding needs at least one octave below the Nyquist rate",
            found=f"{num_samples} samples along the shorter axis",
            expected="at least 8",
            fix="take a larger signal, or encoding='none'",
        )
    return math.floor(math.log2(num_samples / 4))


class NerfEncoding(keras.layers.Layer):
    """Appends sines and cosines of octaves of pi to the coordinates.

    Source: `PosEncodingNeRF` in the authors' modules.py.

    Args:
        in_features: Coordinates a point.
        num_samples: Samples along the signal's shorter axis; ignored in three dimensions, where
            the authors take 10 octaves.
    """

    def __init__(self, in_features: int, num_samples: int) -> None:
        super().__init__(dtype="float32", trainable=False, name="nerf_encoding")
        self.in_features = in_features
        in_space = in_features == 3
        self.num_octaves = FREQUENCIES_IN_SPACE if in_space else nyquist_frequencies(num_samples)
        self.out_features = in_features * (1 + 2 * self.num_octaves)
        self.built = True

    def call(self, coordinates: tf.Tensor) -> tf.Tensor:
        """Encodes.

        Args:
            coordinates: `[..., in_features]`, in [-1, 1].

        Returns:
            `[..., out_features]`: the coordinates, then for each octave and each axis sine, cosine.
        """
        octaves = tf.constant([math.pi * 2.0**octave for octave in range(self.num_octaves)])
        angles = coordinates[..., tf.newaxis, :] * octaves[:, tf.newaxis]
        waves = tf.stack([tf.sin(angles), tf.cos(angles)], axis=-1)
        flat_shape = tf.concat(
            [tf.shape(coordinates)[:-1], [self.out_features - self.in_features]], 0
        )
        return tf.concat([coordinates, tf.reshape(waves, flat_shape)], axis=-1)


class RbfEncoding(keras.layers.Layer):
    """Gaussian bumps of the squared distance to trainable centres: exp(-(sharpness * d^2)^2).

    Source: `RBFLayer` in the authors' modules.py (its parameter `freq` is never used there).

    Args:
        in_features: Coordinates a point.
        num_centres: Number of bumps.
        seed: The run's seed.
    """

    def __init__(self, in_features: int, num_centres: int, seed: int) -> None:
        super().__init__(dtype="float32", name="rbf_encoding")
        self.in_features = in_features
        self.out_features = num_centres

        def draw_centres(shape: tuple[int, ...], dtype: str) -> tf.Tensor:
            return uniform(shape, 1.0, stream_seed(seed, Purpose.RBF_CENTRES, 0), dtype)

        self.centres = self.add_weight(
            shape=(num_centres, in_features), initializer=draw_centres, name="centres"
        )
        self.sharpness = self.add_weight(
            shape=(num_centres,),
            initializer=keras.initializers.Constant(RBF_SHARPNESS),
            name="sharpness",
        )
        self.built = True

    def call(self, coordinates: tf.Tensor) -> tf.Tensor:
        """Encodes.

        Args:
            coordinates: `[..., in_features]`, in [-1, 1].

        Returns:
            `[..., num_centres]`, in (0, 1].
        """
        centres = tf.convert_to_tensor(self.centres)
        # One axis at a time: [..., num_centres, in_features] would be in_features times as large.
        squares = [
            tf.square(coordinates[..., axis, tf.newaxis] - centres[:, axis])
            for axis in range(self.in_features)
        ]
        scaled = tf.add_n(squares) * tf.convert_to_tensor(self.sharpness)
        return tf.exp(-tf.square(scaled))
