from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tiny_detr import scene_batch

from components.trainers.detr.batches import (
    ROW,
    STEP,
    check_labels,
    crop_to_largest,
    dropout_seed,
    numbered,
)
from components.transforms.detr_features import (
    BOXES,
    IMAGE,
    IMAGE_ID,
    IMAGE_SIZE,
    LABELS,
    MASKS,
    NUM_OBJECTS,
)


def canvas_batch() -> dict[str, tf.Tensor]:
    batch = scene_batch([1, 3], masks=True)
    batch[IMAGE_SIZE] = tf.constant([[40, 20], [30, 57]], tf.int64)
    batch[IMAGE_ID] = tf.constant([7, 8], tf.int64)
    return batch


def test_a_batch_is_cut_to_its_highest_its_widest_and_its_fullest_image() -> None:
    batch = canvas_batch()
    cropped = crop_to_largest(batch)
    assert cropped[IMAGE].shape == (2, 40, 57, 3)
    assert cropped[MASKS].shape == (2, 3, 40, 57)
    assert cropped[BOXES].shape == (2, 3, 4) and cropped[LABELS].shape == (2, 3)
    np.testing.assert_array_equal(cropped[IMAGE], batch[IMAGE][:, :40, :57])
    np.testing.assert_array_equal(cropped[IMAGE_ID], [7, 8])


def test_one_row_of_padding_is_left_where_there_are_no_objects() -> None:
    batch = {**canvas_batch(), NUM_OBJECTS: tf.constant([0, 0], tf.int64)}
    assert crop_to_largest(batch)[BOXES].shape == (2, 1, 4)


def test_a_part_is_cut_to_its_own_largest() -> None:
    part = {name: tensor[:1] for name, tensor in canvas_batch().items()}
    assert crop_to_largest(part)[IMAGE].shape == (1, 40, 20, 3)


def test_every_part_of_every_step_has_a_dropout_of_its_own() -> None:
    seeds = set()
    for step in range(3):
        whole = numbered(canvas_batch(), tf.constant(step, tf.int64))
        assert whole[STEP].numpy().tolist() == [step] * 2 and whole[ROW].numpy().tolist() == [0, 1]
        for row in range(2):
            part = {name: tensor[row:] for name, tensor in whole.items()}
            seeds |= {tuple(dropout_seed(part, run).numpy().tolist()) for run in (0, 1)}
    assert len(seeds) == 12


def test_a_category_that_the_network_does_not_know_is_named() -> None:
    batch = canvas_batch()
    batch[LABELS] = tf.constant([[6, -1, 99], [1, 2, 7]], tf.int64)
    np.testing.assert_array_equal(check_labels(batch, 8)[LABELS], [[6, 0, 0], [1, 2, 7]])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"network\.classes"):
        check_labels(batch, 7)
