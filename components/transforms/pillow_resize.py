"""Pillow's bilinear resize, to the bit, of the part of the result that is wanted.

Pillow shrinks with a triangle filter as wide as the pixels it merges, first along the rows, then
along the columns, in fixed-point numbers of 22 bits, and rounds to whole levels in between.
`tf.image.resize(antialias=True)` rounds nowhere and differs by a level in every third pixel. Here
the weights are the same whole numbers as Pillow's and the sums are exact in float64. Only the
wanted window is computed, so that a thin picture resized to a very long one costs no memory.
(Today's Pillow turns the order around for pictures over 100 times as high as wide; this does not.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

_ONE = 2.0**22
# Rows of the window that are computed together: each needs its own few rows of the picture, and
# taking them apart saves most of the multiplications with zero.
_ROWS_AT_ONCE = 32


class Window(NamedTuple):
    """A part of a resized picture.

    Attributes:
        top: First row; scalar int32.
        left: First column; scalar int32.
        height: Rows; a number where it is known when the graph is built, else scalar int32.
        width: Columns; the same.
    """

    top: tf.Tensor | int
    left: tf.Tensor | int
    height: tf.Tensor | int
    width: tf.Tensor | int


def resize_window(image: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor, part: Window) -> tf.Tensor:
    """Resizes a picture as Pillow's `Image.resize(…, BILINEAR)` and crops the result.

    Args:
        image: `[height, width, channels]` uint8.
        rows: Of the whole resized picture; scalar int32.
        columns: The same.
        part: What is wanted of it, inside of it.

    Returns:
        `[part.height, part.width, channels]` uint8.
    """
    across = tf.transpose(image, [1, 0, 2])
    across = _resized_rows(across, columns, part.left, part.width)
    return _resized_rows(tf.transpose(across, [1, 0, 2]), rows, part.top, part.height)


def resize(image: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Resizes a picture as Pillow's `Image.resize(…, BILINEAR)`.

    Args:
        image: `[height, width, channels]` uint8.
        rows: Of the result; scalar int32.
        columns: The same.

    Returns:
        `[rows, columns, channels]` uint8.
    """
    return resize_window(image, rows, columns, Window(0, 0, rows, columns))


def _resized_rows(
    image: tf.Tensor, size: tf.Tensor, first: tf.Tensor | int, count: tf.Tensor | int
) -> tf.Tensor:
    """Resizes the first axis of `[n, m, channels]` uint8 to `size` and keeps `count` of them."""
    length, others, channels = tf.unstack(tf.shape(image))
    flat = tf.reshape(image, [length, others * channels])

    def rows_from(offset: tf.Tensor | int, end: tf.Tensor | int) -> tf.Tensor:
        wanted = first + tf.range(offset, end)
        low, high, weights = _weights(wanted, size, length)
        sums = tf.matmul(weights, tf.cast(flat[low:high], tf.float64))
        return tf.cast(tf.floor(sums / _ONE + 0.5), tf.uint8)

    if isinstance(count, int):
        offsets = range(0, count, _ROWS_AT_ONCE)
        parts = [rows_from(offset, min(offset + _ROWS_AT_ONCE, count)) for offset in offsets]
        rows = tf.concat(parts, axis=0)
    else:
        rows = _looped(rows_from, count)
    return tf.reshape(rows, [count, others, channels])


def _looped(rows_from: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], count: tf.Tensor) -> tf.Tensor:
    """The rows 0 to `count`, a number that the graph alone knows, in steps."""
    steps = (count + _ROWS_AT_ONCE - 1) // _ROWS_AT_ONCE

    def step(index: tf.Tensor, done: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
        end = tf.minimum((index + 1) * _ROWS_AT_ONCE, count)
        return index + 1, done.write(index, rows_from(index * _ROWS_AT_ONCE, end))

    nothing = tf.TensorArray(
        tf.uint8, steps, dynamic_size=False, infer_shape=False, element_shape=[None, None]
    )
    _, done = tf.while_loop(
        lambda index, _: index < steps, step, (tf.constant(0), nothing), parallel_iterations=1
    )
    return done.concat()


def _weights(
    wanted: tf.Tensor, size: tf.Tensor, length: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Which rows make the wanted ones, and how much of each.

    Args:
        wanted: Rows of the result, rising; `[wanted]` int32.
        size: Rows of the whole result; scalar int32.
        length: Rows of the picture; scalar int32.

    Returns:
        The first row and the end of those that count, and Pillow's weights of them,
        `[wanted, end - first]` float64, whole numbers.
    """
    scale = tf.cast(length, tf.float64) / tf.cast(size, tf.float64)
    # Half the width of the triangle; where a picture grows, a pixel's.
    reach = tf.maximum(scale, 1.0)
    centres = (tf.cast(wanted, tf.float64) + 0.5) * scale
    # The cast cuts towards zero, as C's, which matters left of the first pixel.
    starts = tf.maximum(tf.cast(centres - reach + 0.5, tf.int32), 0)
    ends = tf.minimum(tf.cast(centres + reach + 0.5, tf.int32), length)
    low, high = starts[0], ends[-1]
    rows = tf.range(low, high)[None, :]
    distances = tf.abs((tf.cast(rows, tf.float64) - centres[:, None] + 0.5) * (1.0 / reach))
    inside = (rows >= starts[:, None]) & (rows < ends[:, None])
    triangle = tf.where(inside, tf.maximum(1.0 - distances, 0.0), 0.0)
    shares = triangle / tf.reduce_sum(triangle, axis=1, keepdims=True)
    return low, high, tf.floor(shares * _ONE + 0.5)
