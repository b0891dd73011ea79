"""Masks in the graph against pycocotools and numpy."""

import functools
import io

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask

from components.transforms import detr_masks
from components.transforms.detr_geometry import Lookup

SIGNATURE = [
    tf.TensorSpec([None], tf.string),
    tf.TensorSpec([2], tf.int32),
    tf.TensorSpec([None], tf.int32),
    tf.TensorSpec([None], tf.int32),
]


@functools.cache
def run_length_masks():
    return tf.function(
        lambda texts, size, rows, columns: detr_masks.run_length_masks(
            texts, size, Lookup(rows, columns)
        ),
        input_signature=SIGNATURE,
    )


@pytest.fixture(scope="module", autouse=True)
def drop_graphs():
    """TensorFlow complains about functions that outlive it."""
    yield
    run_length_masks.cache_clear()


def compressed(mask):
    return coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 400),
    width=st.integers(1, 400),
    count=st.integers(0, 3),
    density=st.sampled_from([0.0, 0.001, 0.1, 0.5, 1.0]),
    seed=st.integers(0, 1000),
)
def test_run_lengths_are_decoded_as_by_pycocotools(height, width, count, density, seed):
    generator = np.random.default_rng(seed)
    masks = generator.random((count, height, width)) < density
    rows, columns = (generator.integers(0, side, 5).astype(np.int32) for side in (height, width))
    texts = tf.constant([compressed(mask) for mask in masks], tf.string, [count])
    found = run_length_masks()(texts, [height, width], rows, columns).numpy()
    assert found.shape == (count, 5, 5)
    np.testing.assert_array_equal(found, masks[:, rows][:, :, columns])


def test_long_runs_and_falling_lengths_are_decoded():
    """Numbers of five characters, and differences below 0."""
    mask = np.zeros((3000, 2500), bool)
    mask[10:2990, 2000:2300] = mask[100, :] = True
    found = detr_masks.decode_run_lengths(tf.constant(compressed(mask)), tf.constant(mask.shape))
    np.testing.assert_array_equal(found, mask)


def test_segments_are_the_pixels_of_their_ids_in_the_view():
    ids = np.array([[1, 1, 70_000], [256, 0, 70_000]], np.int32)
    colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(colours).save(buffer, format="PNG")
    decoded = detr_masks.decode_segment_ids(tf.constant(buffer.getvalue()))
    np.testing.assert_array_equal(decoded, ids)
    lookup = Lookup(tf.constant([1, 0]), tf.constant([2, 2, 0]))
    found = detr_masks.segment_masks(decoded, tf.constant([70_000, 256], tf.int64), lookup)
    np.testing.assert_array_equal(found, [[[1, 1, 0], [1, 1, 0]], [[0, 0, 1], [0, 0, 0]]])


def test_packed_masks_are_laid_onto_the_canvas():
    generator = np.random.default_rng(0)
    masks = [generator.integers(0, 2, shape, np.uint8) for shape in ((2, 4, 3), (0, 5, 6))]
    packed = tf.stack([detr_masks.pack_masks(tf.constant(one)) for one in masks])
    canvas = detr_masks.unpack_masks(packed, 3, (5, 7)).numpy()
    assert canvas.shape == (2, 3, 5, 7)
    assert canvas.dtype == np.uint8
    np.testing.assert_array_equal(canvas[0, :2, :4, :3], masks[0])
    assert canvas.sum() == masks[0].sum()
