from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.trainers.detr.resizing import (
    nearest_indices,
    pillow_nearest_indices,
    resize_bilinear,
    resize_pillow_nearest,
)

SIZES = st.integers(1, 1400)


@settings(deadline=None, max_examples=60)
@given(SIZES, SIZES)
def test_nearest_is_pytorchs(inputs: int, outputs: int) -> None:
    """floor(i * scale) with a scale of float32, as in ATen's UpSample.h."""
    scale = np.float32(inputs) / np.float32(outputs)
    places = np.floor(np.arange(outputs, dtype=np.float32) * scale).astype(np.int64)
    expected = np.minimum(places, inputs - 1)
    np.testing.assert_array_equal(nearest_indices(inputs, outputs), expected)


@settings(deadline=None, max_examples=60)
@given(SIZES, SIZES)
def test_pillow_nearest_is_pillows(inputs: int, outputs: int) -> None:
    image = pytest.importorskip("PIL.Image")
    line = image.fromarray(np.arange(inputs, dtype=np.int32)[None])
    expected = np.asarray(line.resize((outputs, 1), image.NEAREST))[0]
    np.testing.assert_array_equal(pillow_nearest_indices(inputs, outputs), expected)


def test_pillow_nearest_of_both_axes() -> None:
    image = pytest.importorskip("PIL.Image")
    values = np.random.default_rng(0).integers(0, 250, (37, 53)).astype(np.uint8)
    expected = np.asarray(image.fromarray(values).resize((80, 29), image.NEAREST))
    np.testing.assert_array_equal(resize_pillow_nearest(tf.constant(values), (29, 80)), expected)


def test_bilinear_by_hand() -> None:
    found = resize_bilinear(tf.constant([[[[0.0]], [[4.0]]]])[:, :, :, :], (4, 1))
    np.testing.assert_allclose(np.ravel(found), [0.0, 1.0, 3.0, 4.0])
