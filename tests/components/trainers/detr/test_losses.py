from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tiny_detr import scene_batch, tiny_network

from components.trainers.detr.batches import crop_to_largest
from components.trainers.detr.boxes import generalized_iou
from components.trainers.detr.loss_weights import LossWeights
from components.trainers.detr.losses import set_losses
from components.trainers.detr.mask_losses import mask_losses
from components.trainers.detr.model import build_model
from components.trainers.detr.objective import Objective
from components.trainers.detr.targets import Targets, totals_of


def objective(**network: Any) -> Objective:
    return Objective(build_model(tiny_network(**network)), LossWeights())


def test_overlap_of_boxes_by_hand() -> None:
    first = tf.constant([[0.0, 0.0, 2.0, 2.0]])
    boxes = tf.constant([[0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 3.0, 2.0], [4.0, 0.0, 6.0, 2.0]])
    # Equal; a third shared and nothing between them; a third of what surrounds them between them.
    np.testing.assert_allclose(generalized_iou(first, boxes), [1.0, 1 / 3, -1 / 3], atol=1e-6)


@pytest.mark.parametrize("masks", [False, True])
def test_parts_of_a_batch_add_up_to_it(masks: bool) -> None:
    """Of images of one size, which are padded alike in any part."""
    own = objective(masks=masks)
    batch = scene_batch([2, 0, 1, 3], masks=masks)
    batch = {name: tf.gather(tensor, [0, 2, 0, 2]) for name, tensor in batch.items()}
    totals = own.totals(batch)
    whole = own.terms(batch, totals)
    parts = [
        own.terms({name: tensor[row : row + 2] for name, tensor in batch.items()}, totals)
        for row in (0, 2)
    ]
    for name, value in whole.items():
        together = sum(float(part[name]) for part in parts)
        assert together == pytest.approx(float(value), rel=1e-4, abs=1e-5), name


@pytest.mark.parametrize("masks", [False, True])
def test_images_without_objects_teach_that_there_are_none(masks: bool) -> None:
    own = objective(masks=masks)
    batch = scene_batch([0, 0], masks=masks)
    variables = own._model.trainable_variables
    with tf.GradientTape() as tape:
        terms = own.terms(crop_to_largest(batch), own.totals(batch))
    gradients = tape.gradient(terms["loss"], variables)
    zero = {"loss_bbox", "loss_giou", "loss_bbox_0", "loss_giou_0"}
    zero |= {"loss_mask", "loss_dice"} if masks else set()
    for name, value in terms.items():
        assert (float(value) == 0.0) == (name in zero) or "cardinality" in name, name
    assert float(terms["class_error"]) == 100.0
    present = [gradient for gradient in gradients if gradient is not None]
    assert all(np.isfinite(gradient).all() for gradient in present)
    assert any(np.any(gradient) for gradient in present)


def test_the_weight_of_no_object_counts_in_the_mean() -> None:
    logits = tf.math.log(tf.constant([[[[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]]]))
    boxes = tf.fill([1, 1, 2, 4], 0.5)
    targets = Targets(tf.constant([[0]]), tf.fill([1, 1, 4], 0.5), tf.constant([1]))
    objects = tf.constant([[[0, -1]]])
    totals = totals_of(targets.counts, 2, 0.1)
    terms = set_losses(logits, boxes, objects, targets, totals, LossWeights())
    assert float(terms["loss_ce"]) == pytest.approx(np.log(2.0), rel=1e-6)
    assert float(totals.class_weight) == pytest.approx(1.1)
    assert float(terms["class_error"]) == 0.0
    assert float(terms["cardinality_error"]) == 0.0
    assert float(terms["loss_bbox"]) == float(terms["loss_giou"]) == 0.0


def test_a_wrong_class_and_two_finds_too_many_are_counted() -> None:
    logits = tf.constant([[[[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]]])
    targets = Targets(tf.constant([[0]]), tf.fill([1, 1, 4], 0.5), tf.constant([1]))
    terms = set_losses(
        logits,
        tf.fill([1, 1, 3, 4], 0.5),
        tf.constant([[[0, -1, -1]]]),
        targets,
        totals_of(targets.counts, 3, 0.1),
        LossWeights(),
    )
    assert float(terms["class_error"]) == 100.0
    assert float(terms["cardinality_error"]) == 2.0


def test_masks_are_compared_at_the_size_of_the_targets() -> None:
    logits = tf.fill([1, 2, 2], 50.0)
    masks = tf.ones([1, 8, 8], tf.uint8)
    perfect = mask_losses(logits, masks, tf.ones([1]), tf.constant(1.0))
    assert float(perfect["loss_mask"]) < 1e-6 and float(perfect["loss_dice"]) < 1e-6
    wrong = mask_losses(-logits, masks, tf.ones([1]), tf.constant(1.0))
    # alpha times the cross-entropy; 1 - 1 / (64 + 1).
    assert float(wrong["loss_mask"]) == pytest.approx(0.25 * 50.0, rel=1e-5)
    assert float(wrong["loss_dice"]) == pytest.approx(64 / 65, rel=1e-5)
    ignored = mask_losses(-logits, masks, tf.zeros([1]), tf.constant(1.0))
    assert float(ignored["loss_mask"]) == float(ignored["loss_dice"]) == 0.0
