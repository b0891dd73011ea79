"""A training batch: cropped to its largest image, and numbered, so that its dropout can be drawn.

Beside the names of `detr_features` a batch has `step` int64 `[batch]`, the same number in each
row, and `row` int64 `[batch]`: with them every part of a batch, on whatever replica, has dropout
masks of its own that follow from the run's seed alone.
"""

from __future__ import annotations

import tensorflow as tf

from components.trainers.detr.targets import Batch
from components.transforms.augmentation_seeds import fold_in
from components.transforms.detr_features import (
    BOXES,
    IMAGE,
    IMAGE_SIZE,
    LABELS,
    MASKS,
    NUM_OBJECTS,
)

STEP = "step"
ROW = "row"
_DROPOUT = 1


def crop_to_largest(batch: Batch) -> dict[str, tf.Tensor]:
    """Cuts off padding that no image of the batch needs.

    The authors pad to the largest image too, without rounding: how much padding there is changes
    the features beside it a little.

    Args:
        batch: Images on a canvas, with their objects; other entries stay as they are.

    Returns:
        The batch, its images as high and wide as the highest and the widest, with as many objects
        as the image with the most, but at least one.
    """
    height, width = tf.unstack(tf.reduce_max(batch[IMAGE_SIZE], 0))
    objects = tf.maximum(tf.reduce_max(batch[NUM_OBJECTS]), 1)
    cropped = {
        **batch,
        IMAGE: batch[IMAGE][:, :height, :width],
        BOXES: batch[BOXES][:, :objects],
        LABELS: batch[LABELS][:, :objects],
    }
    if MASKS in batch:
        cropped[MASKS] = batch[MASKS][:, :objects, :height, :width]
    return cropped


def numbered(batch: Batch, step: tf.Tensor) -> dict[str, tf.Tensor]:
    """Adds `step` and `row`.

    Args:
        batch: Of all replicas.
        step: Updates made before; int64 scalar.
    """
    rows = tf.range(tf.shape(batch[IMAGE_SIZE], tf.int64)[0])
    return {**batch, STEP: tf.zeros_like(rows) + step, ROW: rows}


def dropout_seed(batch: Batch, run_seed: int) -> tf.Tensor:
    """The seed of a part's dropout, int64 `[2]`."""
    seed = tf.constant([run_seed, _DROPOUT], tf.int64)
    return fold_in(fold_in(seed, batch[STEP][0]), batch[ROW][0])


def check_labels(batch: Batch, classes: int) -> dict[str, tf.Tensor]:
    """The batch, unless it holds a category that the network does not know.

    Raises:
        tf.errors.InvalidArgumentError: It does.
    """
    labels = batch[LABELS]
    real = tf.range(tf.shape(labels, tf.int64)[1]) < tf.reshape(batch[NUM_OBJECTS], [-1, 1])
    known = tf.logical_and(labels >= 0, labels < classes)
    check = tf.debugging.Assert(
        tf.reduce_all(known | ~real),
        [
            f"a category id is not below network.classes, {classes}:",
            tf.where(known, tf.zeros_like(labels), labels),
        ],
        summarize=20,
    )
    with tf.control_dependencies([check] if check is not None else []):
        # Padding of whatever label must be one to look up.
        return {**batch, LABELS: tf.where(real, labels, 0)}
