"""What there is to find in a batch of images, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from components.transforms.detr_features import BOXES, LABELS, MASKS, NUM_OBJECTS

Batch = Mapping[str, tf.Tensor]


class Targets(NamedTuple):
    """The objects of each image, padded to the same number.

    Attributes:
        labels: int64 `[batch, objects]`, category ids.
        boxes_cxcywh: float32 `[batch, objects, 4]` in [0, 1].
        counts: int32 `[batch]`: how many of the rows are objects.
        masks: uint8 `[batch, objects, height, width]`, 0 beyond the image, or None.
    """

    labels: tf.Tensor
    boxes_cxcywh: tf.Tensor
    counts: tf.Tensor
    masks: tf.Tensor | None = None


class Totals(NamedTuple):
    """What the losses of a batch are divided by; of all its parts and replicas together.

    Attributes:
        images: Images.
        objects: Objects, at least 1.
        matched: Objects that a query is left for, at least 1.
        class_weight: Sum of the weights of the cross-entropy, of one decoder layer.
    """

    images: tf.Tensor
    objects: tf.Tensor
    matched: tf.Tensor
    class_weight: tf.Tensor


def targets_of(batch: Batch) -> Targets:
    """The targets in a batch of records."""
    return Targets(
        labels=batch[LABELS],
        boxes_cxcywh=batch[BOXES],
        counts=tf.cast(batch[NUM_OBJECTS], tf.int32),
        masks=batch.get(MASKS),
    )


def totals_of(counts: tf.Tensor, queries: int, no_object_weight: float) -> Totals:
    """Adds up over a batch, and in replica context over the batches of all replicas.

    They are known before any matching: an image's objects are all matched, as far as its queries
    reach.

    Args:
        counts: int32 `[batch]`, objects of each image.
        queries: Of the network.
        no_object_weight: Weight of the class "no object" in the cross-entropy.
    """
    exact = tf.cast(counts, tf.float32)
    matched = tf.reduce_sum(tf.minimum(exact, float(queries)))
    images = tf.cast(tf.size(counts), tf.float32)
    sums = tf.stack([images, tf.reduce_sum(exact), matched])
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        context = tf.distribute.get_replica_context()
        sums = context.all_reduce(tf.distribute.ReduceOp.SUM, sums)
    images, objects, matched = tf.unstack(sums)
    unmatched = images * float(queries) - matched
    return Totals(
        images=images,
        objects=tf.maximum(objects, 1.0),
        matched=tf.maximum(matched, 1.0),
        class_weight=matched + no_object_weight * unmatched,
    )
