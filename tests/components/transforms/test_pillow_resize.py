"""The resize against Pillow's, level by level."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.transforms.pillow_resize import Window, resize_window

HEIGHT, WIDTH = 40, 33


@functools.cache
def graph():
    return tf.function(
        lambda image, rows, columns, top, left: resize_window(
            image, rows, columns, Window(top, left, HEIGHT, WIDTH)
        ),
        input_signature=[
            tf.TensorSpec([None, None, None], tf.uint8),
            *[tf.TensorSpec([], tf.int32)] * 4,
        ],
    )


@functools.cache
def graph_of_any_size():
    """Windows whose size is known in the graph alone."""
    return tf.function(
        lambda image, rows, columns, part: resize_window(
            image, rows, columns, Window(*tf.unstack(part))
        ),
        input_signature=[
            tf.TensorSpec([None, None, None], tf.uint8),
            *[tf.TensorSpec([], tf.int32)] * 2,
            tf.TensorSpec([4], tf.int32),
        ],
    )


@pytest.fixture(scope="module", autouse=True)
def drop_graphs():
    """TensorFlow complains about functions that outlive it."""
    yield
    graph.cache_clear()
    graph_of_any_size.cache_clear()


@settings(max_examples=80, deadline=None)
@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    rows=st.integers(HEIGHT, 250),
    columns=st.integers(WIDTH, 250),
    place=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    gray=st.booleans(),
    seed=st.integers(0, 100),
)
def test_window_equals_pillows_to_the_bit(height, width, rows, columns, place, gray, seed):
    # Beyond, today's Pillow resizes the columns first.
    height = min(height, 100 * width)
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    picture = Image.fromarray(levels[..., 0] if gray else levels)
    top = int(place[0] * (rows - HEIGHT))
    left = int(place[1] * (columns - WIDTH))
    whole = np.asarray(picture.resize((columns, rows), Image.Resampling.BILINEAR))
    found = graph()(levels[..., :1] if gray else levels, rows, columns, top, left).numpy()
    expected = whole[top : top + HEIGHT, left : left + WIDTH]
    np.testing.assert_array_equal(found, expected[..., None] if gray else expected)


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 200),
    width=st.integers(1, 200),
    rows=st.integers(1, 250),
    columns=st.integers(1, 250),
    place=st.tuples(*[st.floats(0, 1)] * 4),
    seed=st.integers(0, 100),
)
def test_window_of_any_size_equals_pillows_to_the_bit(height, width, rows, columns, place, seed):
    height = min(height, 100 * width)
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    top, left = int(place[0] * (rows - 1)), int(place[1] * (columns - 1))
    part = (
        top,
        left,
        1 + int(place[2] * (rows - 1 - top)),
        1 + int(place[3] * (columns - 1 - left)),
    )
    whole = np.asarray(Image.fromarray(levels).resize((columns, rows), Image.Resampling.BILINEAR))
    found = graph_of_any_size()(levels, rows, columns, np.int32(part)).numpy()
    np.testing.assert_array_equal(found, whole[top : top + part[2], left : left + part[3]])


def test_extremes_keep_their_levels():
    """Sums of rounded weights must neither pass white nor fall short of it."""
    for level in (0, 1, 254, 255):
        flat = np.full((211, 97, 3), level, np.uint8)
        assert np.unique(graph()(flat, 149, 61, 50, 20)).tolist() == [level]
