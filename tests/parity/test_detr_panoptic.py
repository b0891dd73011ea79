"""DETR's masks against the authors' PyTorch code, recorded in float32.

`test_detr.py` compares everything else of this network, its losses and gradients among it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from detr_fixture import Reference, read_reference, relative_error

from components.trainers.detr.model import Detections, Detr
from components.trainers.detr.panoptic import (
    confident_queries,
    panoptic_segments,
    segment_png,
)
from components.trainers.detr.post_processing import found_masks

pytestmark = pytest.mark.parity

MASKS_TOLERANCE = 1e-5
FEATURES_TOLERANCE = 1e-6
# Of the two images: what the network saw, the largest of them, and what is resized to.
SIZES = [(96, 128), (128, 80)]
LARGEST = (128, 128)
ORIGINAL_SIZES = [(48, 64), (100, 60)]
IMAGES = [0, 1]


@pytest.fixture(scope="module")
def reference(shared_dir: Path) -> Reference:
    return read_reference(shared_dir, "detr_panoptic")


@pytest.fixture(scope="module")
def model(reference: Reference) -> Detr:
    return reference.model()


@pytest.fixture(scope="module")
def found(reference: Reference, model: Detr) -> Detections:
    return reference.detections(model)


def test_features_at_all_strides(reference: Reference, found: Detections) -> None:
    for level in range(3):
        mean = np.abs(np.asarray(found.features[level], np.float64)).mean()
        expected = reference.arrays[f"out/feature_{level}_mean_abs"][0]
        assert relative_error(mean, expected) <= FEATURES_TOLERANCE


def test_masks_of_all_queries(reference: Reference, model: Detr, found: Detections) -> None:
    pairs = tf.constant([[image, query] for image in IMAGES for query in range(12)])
    masks = np.asarray(model.segment(found, pairs)).reshape(2, 12, 24, 24)
    assert relative_error(masks, reference.arrays["out/pred_masks"]) <= MASKS_TOLERANCE


def test_masks_of_some_queries_are_those_of_all(
    reference: Reference, model: Detr, found: Detections
) -> None:
    pairs = [[1, 7], [0, 3], [1, 2]]
    masks = model.segment(found, tf.constant(pairs))
    expected = np.stack([reference.arrays["out/pred_masks"][tuple(pair)] for pair in pairs])
    assert relative_error(masks, expected) <= MASKS_TOLERANCE


@pytest.mark.parametrize("image", IMAGES)
def test_post_processing_of_masks(reference: Reference, image: int) -> None:
    size = ORIGINAL_SIZES[image]
    masks = found_masks(
        tf.constant(reference.arrays["out/pred_masks"][image]),
        LARGEST,
        tf.constant(SIZES[image]),
        tf.constant(size),
    )
    packed = reference.arrays[f"post_segm{image}/masks_packed"]
    expected = np.unpackbits(packed)[: masks.shape.num_elements()].reshape(12, *size)
    np.testing.assert_array_equal(masks, expected)


@pytest.mark.parametrize("image", IMAGES)
def test_panoptic_segments(reference: Reference, image: int) -> None:
    logits, masks = (
        tf.constant(reference.arrays[f"pan_in/{n}"][image]) for n in ("logits", "masks")
    )
    kept = confident_queries(logits)
    segments = panoptic_segments(
        tf.gather(logits, kept), tf.gather(masks, kept), SIZES[image], ORIGINAL_SIZES[image]
    )
    expected = reference.numbers["panoptic_segments_info"][image]
    assert segments.categories.numpy().tolist() == [one["category_id"] for one in expected]
    assert segments.areas.numpy().tolist() == [one["area"] for one in expected]
    pixels = tf.io.decode_png(segment_png(segments.ids))
    np.testing.assert_array_equal(pixels, reference.arrays[f"pan_out{image}/rgb"])
