"""The set prediction losses (the authors' SetCriterion in models/detr.py).

Every term is divided by totals of the whole batch (`Totals`), so the terms of its parts and
replicas add up to the batch's.
"""

from __future__ import annotations

import tensorflow as tf

from components.trainers.detr.boxes import cxcywh_to_xyxy, generalized_iou
from components.trainers.detr.loss_weights import LossWeights
from components.trainers.detr.targets import Targets, Totals

Terms = dict[str, tf.Tensor]


def set_losses(
    logits: tf.Tensor,
    boxes_cxcywh: tf.Tensor,
    objects: tf.Tensor,
    targets: Targets,
    totals: Totals,
    weights: LossWeights,
) -> Terms:
    """The losses of classes and boxes, of every decoder layer.

    Args:
        logits: `[layers, batch, queries, classes + 1]`.
        boxes_cxcywh: `[layers, batch, queries, 4]`.
        objects: int32 `[layers, batch, queries]`, from `match`.
        targets: What there is to find.
        totals: Of the whole batch.
        weights: `no_object` is read.

    Returns:
        Not yet weighted: `loss_ce`, `loss_bbox`, `loss_giou` of the last layer, and for curves
        `class_error` (percent of the matched objects whose class is wrong) and `cardinality_error`
        (by how many the queries that find something differ from the objects). With `_0` and so on
        behind them the same of the earlier layers, without `class_error`.
    """
    matched = objects >= 0
    chosen = tf.maximum(objects, 0)
    labels = _of_objects(tf.cast(targets.labels, tf.int32), chosen)
    no_object = logits.shape[-1] - 1
    classes = tf.where(matched, labels, no_object)
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(classes, logits)
    weight = tf.where(matched, 1.0, weights.no_object)
    distance, overlap = _box_losses(boxes_cxcywh, matched, chosen, targets)
    found = tf.argmax(logits, -1, tf.int32)
    cardinality = tf.reduce_sum(tf.cast(found != no_object, tf.int32), 2)
    excess = tf.cast(tf.abs(cardinality - targets.counts), tf.float32)
    by_layer = {
        "loss_ce": tf.reduce_sum(weight * entropy, [1, 2]) / totals.class_weight,
        "loss_bbox": tf.reduce_sum(distance, [1, 2]) / totals.objects,
        "loss_giou": tf.reduce_sum(overlap, [1, 2]) / totals.objects,
        "cardinality_error": tf.reduce_sum(excess, 1) / totals.images,
    }
    terms = {name: values[-1] for name, values in by_layer.items()}
    right = tf.cast(matched[-1] & (found[-1] == labels[-1]), tf.float32)
    # All are wrong but the right ones; "all" is shared out among parts by their images.
    share = tf.cast(tf.shape(logits)[1], tf.float32) / totals.images
    terms["class_error"] = 100.0 * (share - tf.reduce_sum(right) / totals.matched)
    for layer in range(logits.shape[0] - 1):
        terms |= {f"{name}_{layer}": values[layer] for name, values in by_layer.items()}
    return terms


def weighted_sum(terms: Terms, weights: LossWeights) -> tf.Tensor:
    """The loss to minimise: all terms that are losses, of every layer, by their weights."""
    factors = {
        "loss_ce": weights.classification,
        "loss_bbox": weights.box,
        "loss_giou": weights.overlap,
        "loss_mask": weights.mask,
        "loss_dice": weights.dice,
    }
    return tf.add_n(
        [
            factor * value
            for name, value in terms.items()
            for loss, factor in factors.items()
            if name.startswith(loss)
        ]
    )


def _box_losses(
    boxes_cxcywh: tf.Tensor, matched: tf.Tensor, chosen: tf.Tensor, targets: Targets
) -> tuple[tf.Tensor, tf.Tensor]:
    """L1 distance and 1 - generalized IoU, `[layers, batch, queries]`; 0 without an object."""
    wanted = _of_objects(targets.boxes_cxcywh, chosen)
    # Padding is a box without an area, of which the overlap's gradient would be no number.
    whole = tf.constant([0.5, 0.5, 1.0, 1.0])
    wanted = tf.where(matched[..., None], wanted, whole)
    distance = tf.reduce_sum(tf.abs(boxes_cxcywh - wanted), -1)
    overlap = 1.0 - generalized_iou(cxcywh_to_xyxy(boxes_cxcywh), cxcywh_to_xyxy(wanted))
    zero = tf.zeros_like(distance)
    return tf.where(matched, distance, zero), tf.where(matched, overlap, zero)


def _of_objects(values: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """`[batch, objects, …]` by `[layers, batch, queries]` -> `[layers, batch, queries, …]`."""
    by_image = tf.gather(values, tf.transpose(chosen, [1, 0, 2]), batch_dims=1)
    order = [1, 0, *range(2, by_image.shape.rank)]
    return tf.transpose(by_image, order)
