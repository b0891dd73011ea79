"""Images of different sizes in one batch: padded at the bottom and at the right with zeros."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from components.trainers.detr.resizing import nearest_indices


def valid_pixels(sizes: tf.Tensor, image_size: tuple[Any, Any], size: tuple[Any, Any]) -> tf.Tensor:
    """Which features belong to an image, and not to its padding.

    The authors resize the mask of pixels to the features' size, by PyTorch's `nearest`.

    Args:
        sizes: int `[batch, 2]`, true heights and widths, pixels.
        image_size: Height and width of the padded images.
        size: Of the features.

    Returns:
        bool `[batch, height, width]`.
    """
    inside = [
        tf.cast(nearest_indices(whole, features), sizes.dtype)[None] < sizes[:, axis, None]
        for axis, (whole, features) in enumerate(zip(image_size, size, strict=True))
    ]
    return inside[0][:, :, None] & inside[1][:, None, :]
