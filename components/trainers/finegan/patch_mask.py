"""Which patches of the background discriminator count as background: those off the object's box.

Source: the authors' code/trainer.py (`train_Dnet`), kkanshul/finegan at 38db1db. Their comment says
that patches *within* the box are left out; their formula leaves out all that *touch* it. The
formula counts.
"""

from __future__ import annotations

import tensorflow as tf

from components.trainers.finegan.network_config import PatchGeometry


def background_weights(boxes_yxyx: tf.Tensor, geometry: PatchGeometry) -> tf.Tensor:
    """Weighs patches: 0 where one touches the box, else 1.

    Args:
        boxes_yxyx: `[batch, 4]`, top, left, bottom, right, pixels of the discriminator's input.
        geometry: The discriminator's patches.

    Returns:
        float32 `[batch, patches, patches]`. A box without height or width weighs nothing down.
    """
    ranges = patch_ranges(boxes_yxyx, geometry)
    places = tf.range(geometry.patches, dtype=tf.int64)[None, :]
    rows = (places >= ranges[:, 0:1]) & (places < ranges[:, 1:2])
    columns = (places >= ranges[:, 2:3]) & (places < ranges[:, 3:4])
    touched = rows[:, :, None] & columns[:, None, :] & has_area(boxes_yxyx)[:, None, None]
    return tf.cast(~touched, tf.float32)


def patch_ranges(boxes_yxyx: tf.Tensor, geometry: PatchGeometry) -> tf.Tensor:
    """The patches that touch each box.

    Args:
        boxes_yxyx: `[batch, 4]`, pixels.
        geometry: The discriminator's patches.

    Returns:
        int64 `[batch, 4]`: first row, row after the last, first column, column after the last.
    """
    # float64, because a floor or ceiling of a rounded number would be a patch off.
    top, left, bottom, right = tf.unstack(tf.cast(boxes_yxyx, tf.float64), axis=-1)
    ranges = (*_range(top, bottom, geometry), *_range(left, right, geometry))
    return tf.cast(tf.stack(ranges, axis=-1), tf.int64)


def has_area(boxes_yxyx: tf.Tensor) -> tf.Tensor:
    """Whether each box has height and width, `[batch]`."""
    top, left, bottom, right = tf.unstack(boxes_yxyx, axis=-1)
    return tf.not_equal(top, bottom) & tf.not_equal(left, right)


def _range(low: tf.Tensor, high: tf.Tensor, geometry: PatchGeometry) -> tuple[tf.Tensor, tf.Tensor]:
    last = float(geometry.patches - 1)
    reach = float(geometry.image_size - geometry.receptive_field)
    first = tf.maximum(tf.math.ceil((low - geometry.receptive_field) / geometry.stride), 0.0)
    after = tf.minimum(tf.math.floor(last - (reach - high) / geometry.stride), last) + 1.0
    return first, after
