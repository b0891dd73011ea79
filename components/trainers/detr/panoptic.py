"""From masks to a panoptic segmentation (the authors' PostProcessPanoptic, models/segmentation.py).

Queries that find something with a probability above a threshold share out the pixels, each pixel to
the highest logit. Queries of the same stuff are merged; then segments of at most four pixels are
dropped, and the pixels are shared out anew until there are none. As in the authors' code, they are
not merged again then: queries that were merged have no pixels left, are dropped, and *their pixels
go to whichever mask is next there*.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from components.trainers.detr.resizing import pillow_nearest_indices, resize_bilinear

THRESHOLD = 0.85
SMALLEST_AREA = 5
# COCO's things have the ids 1 to 90, its stuff those above.
LAST_THING = 90


class Segments(NamedTuple):
    """An image cut into segments; a segment's id is its number, from 0.

    Attributes:
        ids: int32 `[height, width]`; all 0 where there are no segments.
        categories: int64 `[segments]`.
        areas: int64 `[segments]`, pixels.
        queries: int32 `[segments]`: which of the given queries each is.
    """

    ids: tf.Tensor
    categories: tf.Tensor
    areas: tf.Tensor
    queries: tf.Tensor


def confident_queries(logits: tf.Tensor, threshold: float = THRESHOLD) -> tf.Tensor:
    """Numbers of the queries that surely find something, int32 `[kept]`.

    Args:
        logits: `[queries, classes + 1]`.
        threshold: Of the probability of the likeliest class, "no object" among them.
    """
    probabilities = tf.nn.softmax(logits)
    labels = tf.argmax(probabilities, -1, tf.int32)
    something = labels != logits.shape[-1] - 1
    kept = something & (tf.reduce_max(probabilities, -1) > threshold)
    return tf.cast(tf.where(kept)[:, 0], tf.int32)


def panoptic_segments(
    logits: tf.Tensor, masks: tf.Tensor, size: tuple[Any, Any], original_size: tuple[Any, Any]
) -> Segments:
    """Segments of one image.

    Args:
        logits: Of confident queries, `[kept, classes + 1]`.
        masks: Their logits, `[kept, height / 4, width / 4]`.
        size: Height and width of the image that the network saw; the whole map is resized to it,
            so the image must not be padded.
        original_size: Height and width to resize to.
    """
    categories = tf.argmax(logits, -1)
    nothing = Segments(
        ids=tf.zeros(tf.stack(original_size), tf.int32),
        categories=categories,
        areas=categories,
        queries=tf.cast(categories, tf.int32),
    )
    return tf.cond(
        tf.size(categories) > 0,
        lambda: _shared_out(categories, _at_original_size(masks, size, original_size)),
        lambda: nothing,
    )


def segment_png(ids: tf.Tensor) -> tf.Tensor:
    """A PNG whose pixels are R + 256 G + 65536 B = id, as COCO has it; string `[]`."""
    channels = [tf.bitwise.bitwise_and(ids // (1 << shift), 255) for shift in (0, 8, 16)]
    return tf.io.encode_png(tf.cast(tf.stack(channels, -1), tf.uint8))


def _at_original_size(
    masks: tf.Tensor, size: tuple[Any, Any], original_size: tuple[Any, Any]
) -> tf.Tensor:
    """Logits `[height, width, kept]`; the authors resize what follows from them pixel by pixel."""
    logits = resize_bilinear(tf.transpose(masks, [1, 2, 0])[None], size)[0]
    for axis in (0, 1):
        places = pillow_nearest_indices(size[axis], original_size[axis])
        logits = tf.gather(logits, places, axis=axis)
    return logits


def _shared_out(categories: tf.Tensor, logits: tf.Tensor) -> Segments:
    count = tf.size(categories, tf.int32)
    owners = tf.gather(_merged(categories), tf.argmax(logits, -1, tf.int32))

    def areas(ids: tf.Tensor) -> tf.Tensor:
        return tf.math.bincount(tf.reshape(ids, [-1]), minlength=count, maxlength=count)

    def too_small(kept: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
        return kept & (areas(ids) < SMALLEST_AREA)

    def share_out_anew(kept: tf.Tensor, ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        kept = kept & ~too_small(kept, ids)
        left = tf.where(kept, logits, logits.dtype.min)
        return kept, tf.argmax(left, -1, tf.int32)

    kept, owners = tf.while_loop(
        lambda kept, ids: tf.reduce_any(too_small(kept, ids)),
        share_out_anew,
        (tf.fill([count], True), owners),
        shape_invariants=(tf.TensorShape([None]), tf.TensorShape([None, None])),
    )
    # Where nothing is left, the last query keeps no pixel, and the map is 0.
    numbers = tf.maximum(tf.cumsum(tf.cast(kept, tf.int32)) - 1, 0)
    return Segments(
        ids=tf.gather(numbers, owners),
        categories=tf.boolean_mask(categories, kept),
        areas=tf.cast(tf.boolean_mask(areas(owners), kept), tf.int64),
        queries=tf.cast(tf.where(kept)[:, 0], tf.int32),
    )


def _merged(categories: tf.Tensor) -> tf.Tensor:
    """Of each query the first of the same stuff, or itself; int32 `[kept]`."""
    same = (categories[:, None] == categories[None]) & (categories > LAST_THING)[:, None]
    itself = tf.eye(tf.size(categories), dtype=tf.bool)
    return tf.argmax(tf.cast(same | itself, tf.int32), -1, tf.int32)
