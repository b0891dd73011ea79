"""What a fitted network shows: its values on a grid, brought to the range of the signal."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True)
class RangeMatch:
    """The affine map, one for each channel, that gives a reconstruction the target's range.

    Derivatives determine an image up to its offset, and the supervision's factors up to its scale.
    Source: `rescale_img` in the authors' dataio.py, after Poisson reconstruction.

    Attributes:
        scale: `[channels]`.
        offset: `[channels]`.
    """

    scale: tf.Tensor
    offset: tf.Tensor

    @classmethod
    def between(cls, values: tf.Tensor, target: tf.Tensor) -> RangeMatch:
        """The map from the values' smallest and largest to those of the target.

        Args:
            values: `[samples, channels]`.
            target: `[samples, channels]`.
        """
        low, high = tf.reduce_min(values, axis=0), tf.reduce_max(values, axis=0)
        target_low, target_high = tf.reduce_min(target, axis=0), tf.reduce_max(target, axis=0)
        # A constant reconstruction has no range; it is put at the target's lower end.
        scale = tf.math.divide_no_nan(target_high - target_low, high - low)
        return cls(scale, target_low - scale * low)

    def __call__(self, values: tf.Tensor) -> tf.Tensor:
        """Maps values `[..., channels]`."""
        return self.scale * values + self.offset
