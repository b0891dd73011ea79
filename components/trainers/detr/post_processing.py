"""From DETR's outputs to boxes and masks in pixels of the original image.

Source: the authors' PostProcess (models/detr.py) and PostProcessSegm (models/segmentation.py). All
queries are kept; nothing is suppressed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from components.trainers.detr.boxes import cxcywh_to_xyxy
from components.trainers.detr.resizing import resize_bilinear, resize_nearest


class FoundBoxes(NamedTuple):
    """What the queries found.

    Attributes:
        scores: float32 `[batch, queries]` in [0, 1].
        labels: int64 `[batch, queries]`, category ids.
        boxes_xyxy: float32 `[batch, queries, 4]`, pixels of the original image.
    """

    scores: tf.Tensor
    labels: tf.Tensor
    boxes_xyxy: tf.Tensor


def found_boxes(
    logits: tf.Tensor, boxes_cxcywh: tf.Tensor, original_sizes: tf.Tensor
) -> FoundBoxes:
    """The likeliest class of every query that is a class, and its box.

    Args:
        logits: `[batch, queries, classes + 1]`.
        boxes_cxcywh: `[batch, queries, 4]` in [0, 1].
        original_sizes: int `[batch, 2]`, heights and widths, pixels.
    """
    probabilities = tf.nn.softmax(logits)[..., :-1]
    height, width = tf.unstack(tf.cast(original_sizes, tf.float32), axis=1)
    factors = tf.stack([width, height, width, height], 1)[:, None]
    return FoundBoxes(
        scores=tf.reduce_max(probabilities, -1),
        labels=tf.argmax(probabilities, -1),
        boxes_xyxy=cxcywh_to_xyxy(boxes_cxcywh) * factors,
    )


def found_masks(
    logits: tf.Tensor, padded_size: tuple[Any, Any], size: tf.Tensor, original_size: tf.Tensor
) -> tf.Tensor:
    """The masks of one image.

    Args:
        logits: `[queries, height / 4, width / 4]`, of the padded image.
        padded_size: Height and width of the padded image, pixels.
        size: int `[2]`, true height and width of the image that the network saw.
        original_size: int `[2]`, height and width to resize to.

    Returns:
        uint8 `[queries, original height, original width]`, 0 or 1.
    """
    resized = resize_bilinear(logits[..., None], padded_size)
    inside = tf.cast(tf.sigmoid(resized) > 0.5, tf.uint8)[:, : size[0], : size[1]]
    return resize_nearest(inside, tf.unstack(original_size, 2))[..., 0]
