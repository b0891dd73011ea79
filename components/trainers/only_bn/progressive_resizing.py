"""Progressive resizing: training on small images first, on those of full size last.

Source: J. Howard's practice (fast.ai, DAWNBench 2018). A convolution's cost falls with the square
of the side, and what a network learns of small images it mostly keeps. The size is a function of
the step alone, so that a resumed run goes on with the same images.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def side_at(step: tf.Tensor, sides: Sequence[int], first_steps: Sequence[int]) -> tf.Tensor:
    """The side of the images of a step, pixels, scalar int32.

    Args:
        step: Updates made before it, scalar int64.
        sides: In turn; at least one.
        first_steps: The step at which each begins, rising from 0.
    """
    starts = tf.constant(first_steps, tf.int64)
    begun = tf.reduce_sum(tf.cast(starts <= tf.cast(step, tf.int64), tf.int32))
    return tf.constant(sides, tf.int32)[begun - 1]


def resized(
    images: tf.Tensor, step: tf.Tensor, sides: Sequence[int], first_steps: Sequence[int]
) -> tf.Tensor:
    """A step's images at that step's size, antialiased; for use in tf.data.

    Args:
        images: `[batch, height, width, 3]` float32, square.
        step: Updates made before this one, scalar int64.
        sides: `experiment.image_sides`; without any, the images stay as they are.
        first_steps: `experiment.image_side_steps(…)`.

    Returns:
        `[batch, side, side, 3]`; images that have that size already are unchanged to the bit.
    """
    if not sides:
        return images
    side = side_at(step, sides, first_steps)
    return tf.cond(
        tf.equal(side, tf.shape(images)[1]),
        lambda: images,
        lambda: tf.image.resize(images, [side, side], method="bilinear", antialias=True),
    )
