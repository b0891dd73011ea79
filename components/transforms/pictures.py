"""What happens to the pixels of a picture: decode, gray, centre crop, resize.

Each function has one meaning in the graph and outside of it, so that ExampleGen checks what
Transform will do.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

# ITU-R 601 weights in 16-bit fixed point, which is how Pillow makes gray out of colour.
_GRAY_WEIGHTS = (19595, 38470, 7471)


def decode_rgb(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes a JPEG or PNG of any size; gray is repeated to three equal channels.

    Args:
        encoded: Scalar string.

    Returns:
        `[height, width, 3]` uint8. JPEG is decoded by the accurate integer transform, as Pillow
        does; TensorFlow's default trades it for speed.
    """
    # The op's name is older than its ability: it decodes PNG as well.
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def to_channels(image: tf.Tensor, channels: int) -> tf.Tensor:
    """Colour as it is, or gray exactly as Pillow computes it.

    Args:
        image: `[height, width, 3]` uint8.
        channels: 1 or 3.

    Returns:
        `[height, width, channels]` uint8.
    """
    if channels == 3:
        return image
    weighted = tf.cast(image, tf.int32) * tf.constant(_GRAY_WEIGHTS)
    gray = (tf.reduce_sum(weighted, axis=-1, keepdims=True) + 0x8000) // 0x10000
    return tf.cast(gray, tf.uint8)


def centre_crop(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """The largest part about the centre with the aspect height:width.

    Args:
        image: `[any, any, channels]`.
        height: Rows of the aspect.
        width: Columns of the aspect.

    Returns:
        `[cropped rows, cropped columns, channels]`, at least one pixel each way.
    """
    rows, columns = tf.shape(image)[0], tf.shape(image)[1]
    crop_rows = tf.clip_by_value((columns * height + width // 2) // width, 1, rows)
    crop_columns = tf.clip_by_value((rows * width + height // 2) // height, 1, columns)
    top, left = (rows - crop_rows) // 2, (columns - crop_columns) // 2
    return image[top : top + crop_rows, left : left + crop_columns]


def crop_and_resize(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Centre crop, then antialiased bilinear resize to whole levels.

    Pillow, with which the authors resize, gives whole levels too: without rounding, the target of
    the fit would be another one than theirs.

    Args:
        image: `[any, any, channels]` uint8.
        height: Rows of the result.
        width: Columns of the result.

    Returns:
        `[height, width, channels]` float32, whole numbers in [0, 255].
    """
    cropped = centre_crop(image, height, width)
    resized = tf.image.resize(cropped, [height, width], method="bilinear", antialias=True)
    return tf.clip_by_value(tf.round(resized), 0.0, 255.0)


def crop_and_resize_mask(mask: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Centre crop, then nearest pixel; white is 1.

    Args:
        mask: `[any, any, 1]` uint8.
        height: Rows of the result.
        width: Columns of the result.

    Returns:
        `[height, width, 1]` float32 in {0, 1}.
    """
    cropped = centre_crop(mask, height, width)
    resized = tf.image.resize(cropped, [height, width], method="nearest")
    return tf.cast(resized >= 128, tf.float32)


def to_signed_unit(levels: tf.Tensor) -> tf.Tensor:
    """[0, 255] -> [-1, 1], bit-equal to the authors' `ToTensor` and `Normalize(0.5, 0.5)`.

    Looked up, not computed: the graph optimizer turns divisions into multiplications in some
    graphs and not in others, and the target of the fit would differ from that of the evaluation.

    Args:
        levels: Whole numbers in [0, 255], any type and shape.

    Returns:
        float32 of the same shape.
    """
    half = np.float32(0.5)
    table = (np.arange(256, dtype=np.float32) / np.float32(255.0) - half) / half
    return tf.gather(tf.constant(table), tf.cast(levels, tf.int32))
