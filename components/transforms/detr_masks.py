"""Masks of objects: from COCO's run lengths or a panoptic PNG, looked up in a view, packed.

A mask a pixel and object is much: 100 of 1333 x 1333 pixels are 178 MB. So masks travel at their
true size and number, as text, and are laid onto a canvas where a batch needs it.
"""

from __future__ import annotations

import tensorflow as tf

from components.transforms.detr_geometry import Lookup

# COCO's compressed text: 5 bits a character from `0` on, the least ones first; the sixth: more
# follow.
_ZERO, _BITS, _DATA, _SIGN, _MORE = 48, 5, 0x1F, 0x10, 0x20


def decode_segment_ids(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes a panoptic PNG.

    Args:
        encoded: Scalar string.

    Returns:
        `[height, width]` int32: R + 256 G + 65536 B; 0 is void.
    """
    channels = tf.cast(tf.io.decode_png(encoded, channels=3), tf.int32)
    return channels[..., 0] + 256 * channels[..., 1] + 65536 * channels[..., 2]


def segment_masks(segment_ids: tf.Tensor, ids: tf.Tensor, lookup: Lookup) -> tf.Tensor:
    """The masks of segments in a view.

    Args:
        segment_ids: `[original height, original width]` int32.
        ids: `[n]` int64.
        lookup: Which pixels the view shows.

    Returns:
        `[n, height, width]` uint8.
    """
    view = tf.gather(tf.gather(segment_ids, lookup.rows), lookup.columns, axis=1)
    return tf.cast(view[None] == tf.cast(ids, tf.int32)[:, None, None], tf.uint8)


def run_length_masks(texts: tf.Tensor, size: tf.Tensor, lookup: Lookup) -> tf.Tensor:
    """The masks of run lengths in a view.

    Args:
        texts: `[n]` string; COCO's compressed run lengths.
        size: `[2]` int32; height and width of the original picture, pixels.
        lookup: Which pixels the view shows.

    Returns:
        `[n, height, width]` uint8.
    """

    def one(text: tf.Tensor) -> tf.Tensor:
        mask = decode_run_lengths(text, size)
        return tf.gather(tf.gather(mask, lookup.rows), lookup.columns, axis=1)

    # An empty loop does not know the size of what it would have made.
    nothing = tf.zeros([0, tf.size(lookup.rows), tf.size(lookup.columns)], tf.uint8)
    signature = tf.TensorSpec([None, None], tf.uint8)
    return tf.cond(
        tf.size(texts) > 0,
        lambda: tf.map_fn(one, texts, fn_output_signature=signature),
        lambda: nothing,
    )


def decode_run_lengths(text: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """A mask from COCO's compressed run lengths, which go down the columns.

    Args:
        text: Scalar string.
        size: `[2]` int32; height and width, pixels.

    Returns:
        `[height, width]` uint8.
    """
    codes = tf.cast(tf.io.decode_raw(text, tf.uint8), tf.int32) - _ZERO
    goes_on = tf.bitwise.bitwise_and(codes, _MORE) > 0
    number = tf.cumsum(tf.cast(~goes_on, tf.int32), exclusive=True)
    place = tf.range(tf.size(codes))
    first = tf.gather(tf.math.segment_min(place, number), number)
    shift = _BITS * (place - first)
    digits = tf.bitwise.left_shift(tf.bitwise.bitwise_and(codes, _DATA), shift)
    # The last character of a number below 0 has its fifth bit set: all bits above are too.
    negative = ~goes_on & (tf.bitwise.bitwise_and(codes, _SIGN) > 0)
    digits -= tf.where(negative, tf.bitwise.left_shift(1, shift + _BITS), 0)
    differences = tf.math.segment_sum(digits, number)
    # From the fourth number on, the difference from the last but one.
    padded = tf.pad(differences[1:], [[0, tf.size(differences[1:]) % 2]])
    pairs = tf.cumsum(tf.reshape(padded, [-1, 2]), axis=0)
    rest = tf.reshape(pairs, [-1])[: tf.size(differences) - 1]
    lengths = tf.concat([differences[:1], rest], axis=0)
    values = tf.cast(tf.range(tf.size(lengths)) % 2, tf.uint8)
    columns = tf.reshape(tf.repeat(values, lengths), tf.stack([size[1], size[0]]))
    return tf.transpose(columns)


def pack_masks(masks: tf.Tensor) -> tf.Tensor:
    """Masks `[n, height, width]` uint8 as a scalar string."""
    return tf.io.serialize_tensor(masks)


def unpack_masks(
    packed: tf.Tensor, max_objects: int | tf.Tensor, size: tf.Tensor | tuple[int, int]
) -> tf.Tensor:
    """Lays the masks of a batch onto canvases.

    Args:
        packed: `[batch]` string; what Transform gives as `masks`.
        max_objects: As many as the boxes; objects that are not there have empty masks.
        size: Height and width of the canvas, pixels; at least those of every image.

    Returns:
        `[batch, max_objects, height, width]` uint8, 0 or 1.
    """
    shape = tf.stack([max_objects, size[0], size[1]])

    def one(text: tf.Tensor) -> tf.Tensor:
        masks = tf.ensure_shape(tf.io.parse_tensor(text, tf.uint8), [None, None, None])
        missing = shape - tf.shape(masks)
        return tf.pad(masks, tf.stack([tf.zeros_like(missing), missing], axis=1))

    return tf.map_fn(one, packed, fn_output_signature=tf.TensorSpec([None, None, None], tf.uint8))
