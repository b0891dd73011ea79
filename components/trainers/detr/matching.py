"""Which query is to find which object: the assignment of least cost (the authors' matcher.py).

The costs of all decoder layers and images are computed at once in the graph; SciPy solves all
assignments in one call out of it. That call is a function of the costs alone: it gives the same in
every replica and run. XLA cannot compile it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.trainers.detr.boxes import cxcywh_to_xyxy, generalized_iou
from components.trainers.detr.loss_weights import LossWeights
from components.trainers.detr.targets import Targets

NOTHING = -1
# What a cost that is no number counts as; finite, or SciPy refuses to solve.
_UNUSABLE = 1e9


class Costs(NamedTuple):
    """The cost of giving each object to each query, `[layers, batch, queries, objects]`.

    Attributes:
        classes: -probability of the object's class.
        boxes: L1 distance of (centre x, centre y, width, height).
        overlap: -generalized IoU.
        total: Their weighted sum.
    """

    classes: tf.Tensor
    boxes: tf.Tensor
    overlap: tf.Tensor
    total: tf.Tensor


def matching_costs(
    logits: tf.Tensor, boxes_cxcywh: tf.Tensor, targets: Targets, weights: LossWeights
) -> Costs:
    """Costs of all assignments; those of padded objects mean nothing.

    Args:
        logits: `[layers, batch, queries, classes + 1]`.
        boxes_cxcywh: `[layers, batch, queries, 4]`.
        targets: What there is to find.
        weights: Of the three costs.
    """
    probabilities = tf.transpose(tf.nn.softmax(logits), [1, 3, 0, 2])
    of_class = tf.gather(probabilities, targets.labels, batch_dims=1)
    classes = -tf.transpose(of_class, [2, 0, 3, 1])
    found, wanted = boxes_cxcywh[..., :, None, :], targets.boxes_cxcywh[None, :, None]
    boxes = tf.reduce_sum(tf.abs(found - wanted), -1)
    overlap = -generalized_iou(cxcywh_to_xyxy(found), cxcywh_to_xyxy(wanted))
    total = weights.box * boxes + weights.classification * classes + weights.overlap * overlap
    return Costs(classes, boxes, overlap, total)


def match(
    logits: tf.Tensor, boxes_cxcywh: tf.Tensor, targets: Targets, weights: LossWeights
) -> tf.Tensor:
    """Assigns objects to queries, every decoder layer for itself.

    Args:
        logits: `[layers, batch, queries, classes + 1]`.
        boxes_cxcywh: `[layers, batch, queries, 4]`.
        targets: What there is to find.
        weights: Of the costs.

    Returns:
        int32 `[layers, batch, queries]`: each query's object, -1 for none. Every object has one
        query, unless there are more objects than queries.
    """
    logits, boxes_cxcywh = tf.stop_gradient(logits), tf.stop_gradient(boxes_cxcywh)
    costs = matching_costs(logits, boxes_cxcywh, targets, weights).total
    objects = tf.numpy_function(assign, [costs, targets.counts], tf.int32, stateful=False)
    objects.set_shape(logits.shape[:3])
    return objects


def assign(costs: NDArray[np.float32], counts: NDArray[np.int32]) -> NDArray[np.int32]:
    """Solves the assignments.

    Args:
        costs: `[layers, batch, queries, objects]`.
        counts: `[batch]`: how many of the objects are real.

    Returns:
        int32 `[layers, batch, queries]`, -1 where a query has no object.
    """
    # Here, because models and losses import without it.
    from scipy.optimize import linear_sum_assignment

    # A network that has diverged gives costs that are no numbers: the loss is to tell, not SciPy.
    costs = np.nan_to_num(costs, nan=_UNUSABLE, posinf=_UNUSABLE, neginf=-_UNUSABLE)
    objects = np.full(costs.shape[:3], NOTHING, np.int32)
    for image, count in enumerate(counts):
        for layer in range(len(costs) if count else 0):
            queries, found = linear_sum_assignment(costs[layer, image, :, :count])
            objects[layer, image, queries] = found
    return objects
