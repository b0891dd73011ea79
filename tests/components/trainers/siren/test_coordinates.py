"""Grids and time axes."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.trainers.siren.coordinates import audio_times, coordinates_of, grid


def test_corners_are_included_and_rows_come_first() -> None:
    found = grid((3, 2)).numpy()
    expected = [[-1, -1], [-1, 1], [0, -1], [0, 1], [1, -1], [1, 1]]
    np.testing.assert_array_equal(found, np.array(expected, np.float32))


def test_films_are_ordered_by_frame_row_column() -> None:
    found = grid((2, 2, 3)).numpy().reshape(2, 2, 3, 3)
    np.testing.assert_array_equal(found[1, 0, 2], [1.0, -1.0, 1.0])
    np.testing.assert_array_equal(found[0, 1, 1], [-1.0, 1.0, 0.0])


def test_one_frame_lies_at_the_start_of_time() -> None:
    assert set(grid((1, 2, 2)).numpy()[:, 0]) == {-1.0}


def test_chosen_samples_lie_where_the_grid_has_them() -> None:
    shape, chosen = (4, 5, 6), np.array([0, 7, 119, 63], np.int64)
    np.testing.assert_array_equal(
        coordinates_of(tf.constant(chosen), shape), grid(shape).numpy()[chosen]
    )


def test_sizes_may_be_tensors_inside_a_graph() -> None:
    traced = tf.function(grid, input_signature=[tf.TensorSpec([2], tf.int32)])
    np.testing.assert_array_equal(traced(tf.constant([3, 4])), grid((3, 4)))
    times = tf.function(audio_times, input_signature=[tf.TensorSpec([], tf.int32)])
    np.testing.assert_array_equal(times(7), audio_times(7))


@pytest.mark.parametrize("extent", [100.0, 1.0])
def test_time_runs_between_its_ends(extent: float) -> None:
    found = audio_times(5, extent).numpy()[:, 0]
    np.testing.assert_array_equal(found, extent * np.array([-1, -0.5, 0, 0.5, 1], np.float32))
