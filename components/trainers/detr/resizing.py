"""Resizing as PyTorch's `interpolate` and as Pillow compute it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

Size = Any


def nearest_indices(inputs: Size, outputs: Size) -> tf.Tensor:
    """Where PyTorch's `nearest` takes each output from along an axis, int32 `[outputs]`.

    Args:
        inputs: Size of the axis before, scalar.
        outputs: After.
    """
    inputs, outputs = tf.cast(inputs, tf.int32), tf.cast(outputs, tf.int32)
    # In float32, as PyTorch: exact fractions would fall on other pixels now and then.
    scale = tf.cast(inputs, tf.float32) / tf.cast(outputs, tf.float32)
    places = tf.floor(tf.cast(tf.range(outputs), tf.float32) * scale)
    return tf.minimum(tf.cast(places, tf.int32), inputs - 1)


def resize_nearest(features: tf.Tensor, size: tuple[Size, Size]) -> tf.Tensor:
    """PyTorch's `nearest`.

    Args:
        features: `[batch, height, width, channels]`.
        size: New height and width.
    """
    shape = tf.shape(features)
    for axis in (1, 2):
        features = tf.gather(features, nearest_indices(shape[axis], size[axis - 1]), axis=axis)
    return features


def resize_bilinear(features: tf.Tensor, size: tuple[Size, Size]) -> tf.Tensor:
    """PyTorch's `bilinear` without aligned corners, in float32.

    Args:
        features: `[batch, height, width, channels]`.
        size: New height and width.
    """
    return tf.raw_ops.ResizeBilinear(
        images=tf.cast(features, tf.float32),
        size=tf.cast(tf.stack(size), tf.int32),
        half_pixel_centers=True,
    )


def pillow_nearest_indices(inputs: Size, outputs: Size) -> tf.Tensor:
    """Where Pillow's `NEAREST` takes each output from along an axis, int32 `[outputs]`.

    Pillow adds up the step in double precision from pixel to pixel, and so do we.

    Args:
        inputs: Size of the axis before, scalar.
        outputs: After.
    """
    step = tf.cast(inputs, tf.float64) / tf.cast(outputs, tf.float64)
    steps = tf.fill([tf.cast(outputs, tf.int32)], step)
    places = tf.cumsum(tf.concat([[step * 0.5], steps[1:]], 0))
    return tf.minimum(tf.cast(places, tf.int32), tf.cast(inputs, tf.int32) - 1)


def resize_pillow_nearest(values: tf.Tensor, size: tuple[Size, Size]) -> tf.Tensor:
    """Pillow's `NEAREST` of `[height, width]`."""
    shape = tf.shape(values)
    for axis in (0, 1):
        values = tf.gather(values, pillow_nearest_indices(shape[axis], size[axis]), axis=axis)
    return values
