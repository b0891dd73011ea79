"""Where a signal's samples lie: grids on [-1, 1] with both ends, and the time axis of audio."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

# The authors stretch time instead of raising omega_0: 30 on [-100, 100] is 3000 on [-1, 1].
AUDIO_EXTENT = 100.0


def grid(shape: Sequence[int] | tf.Tensor) -> tf.Tensor:
    """Coordinates of all samples of an image or a video, the last axis fastest.

    Source: `get_mgrid` in the authors' dataio.py.

    Args:
        shape: Samples along each axis, (rows, columns) or (frames, rows, columns); may be a tensor.

    Returns:
        float32 `[product of shape, axes]`, in [-1, 1], ordered (row, column), not (x, y).
    """
    extents = tf.cast(tf.convert_to_tensor(shape), tf.int64)
    return coordinates_of(tf.range(tf.reduce_prod(extents)), extents)


def coordinates_of(indices: tf.Tensor, shape: Sequence[int] | tf.Tensor) -> tf.Tensor:
    """Coordinates of chosen samples of a grid.

    Args:
        indices: int64 `[n]`, positions in the flattened grid.
        shape: Samples along each axis.

    Returns:
        float32 `[n, axes]`, in [-1, 1]; an axis of one sample lies at -1.
    """
    extents = tf.cast(tf.convert_to_tensor(shape), tf.int64)
    positions = tf.transpose(tf.unravel_index(tf.cast(indices, tf.int64), extents))
    steps = tf.maximum(extents - 1, 1)
    # The authors' order of operations, so that the last bit agrees too.
    share = tf.cast(positions, tf.float32) / tf.cast(steps, tf.float32)
    return (share - 0.5) * 2.0


def audio_times(num_samples: int | tf.Tensor, extent: float = AUDIO_EXTENT) -> tf.Tensor:
    """Times of the samples of a sound.

    Source: `ImplicitAudioWrapper` in the authors' dataio.py.

    Args:
        num_samples: Samples, at least 1; may be a tensor.
        extent: Half the length of the time axis, in the network's own unit.

    Returns:
        float32 `[num_samples, 1]`, from -extent to extent, both included.
    """
    ends = tf.constant([-extent, extent], tf.float64)
    times = tf.linspace(ends[0], ends[1], tf.cast(num_samples, tf.int32))
    return tf.cast(times, tf.float32)[:, tf.newaxis]
