"""Boxes and how far they overlap (the authors' util/box_ops.py)."""

from __future__ import annotations

import tensorflow as tf


def cxcywh_to_xyxy(boxes: tf.Tensor) -> tf.Tensor:
    """(centre x, centre y, width, height) -> (left, top, right, bottom), `[…, 4]`."""
    centre, half = boxes[..., :2], boxes[..., 2:] * 0.5
    return tf.concat([centre - half, centre + half], -1)


def generalized_iou(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Generalized intersection over union (Rezatofighi et al. 2019), in [-1, 1].

    Args:
        first: Boxes (left, top, right, bottom), `[…, 4]`.
        second: The same; leading dimensions are broadcast.

    Returns:
        `[…]`.
    """
    intersection = _area(
        tf.maximum(first[..., :2], second[..., :2]), tf.minimum(first[..., 2:], second[..., 2:])
    )
    around = _area(
        tf.minimum(first[..., :2], second[..., :2]), tf.maximum(first[..., 2:], second[..., 2:])
    )
    areas = _area(first[..., :2], first[..., 2:]) + _area(second[..., :2], second[..., 2:])
    union = areas - intersection
    return intersection / union - (around - union) / around


def _area(top_left: tf.Tensor, bottom_right: tf.Tensor) -> tf.Tensor:
    sides = tf.maximum(bottom_right - top_left, 0.0)
    return sides[..., 0] * sides[..., 1]
