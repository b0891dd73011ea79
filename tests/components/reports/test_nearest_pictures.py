"""The real pictures nearest to generated ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.reports.nearest_pictures import Neighbours, copy_distance, nearest_real

Pixels = np.ndarray[Any, Any]


def pictures(count: int, seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), np.uint8)


def flat(levels: Pixels) -> Pixels:
    """Features whose squares are large beside their differences, in a network's precision."""
    return levels.reshape(len(levels), -1).astype(np.float32) + 5000


def found(generated: Pixels, real: Pixels, batch: int, nearest: int = 4) -> Neighbours:
    batches = [real[first : first + batch] for first in range(0, len(real), batch)]
    result = nearest_real(generated, batches, flat, nearest)
    assert result is not None
    return result


def all_distances(one: Pixels, other: Pixels) -> Pixels:
    difference = flat(one)[:, np.newaxis] - flat(other)[np.newaxis]
    return np.sqrt((difference.astype(np.float64) ** 2).sum(axis=2))


@pytest.mark.parametrize("batch", [1, 7, 23, 100])
def test_nearest_of_all_are_found_whatever_the_batch(batch: int) -> None:
    generated, real = pictures(5, 1), pictures(23, 2)
    mirrored = all_distances(generated[:, :, ::-1], real)
    expected = np.minimum(all_distances(generated, real), mirrored)
    order = np.argsort(expected, axis=1)[:, :4]
    result = found(generated, real, batch)
    np.testing.assert_array_equal(result.records, order)
    np.testing.assert_allclose(
        result.distances, np.take_along_axis(expected, order, 1), rtol=1e-9, atol=0
    )
    np.testing.assert_array_equal(result.pixels, real[order])
    assert result.num_real == 23


def test_typical_distance_is_the_median_to_the_nearest_other() -> None:
    real = pictures(600, 3)  # more than are compared at a time
    between = all_distances(real, real)
    np.fill_diagonal(between, np.inf)
    typical = np.median(between.min(axis=1))
    result = found(real[:2], real, 64)
    assert result.typical == pytest.approx(typical, rel=1e-9)
    np.testing.assert_allclose(result.relative, result.distances / typical)


@pytest.mark.parametrize("mirrored", [False, True])
def test_copy_is_at_no_distance_though_it_be_mirrored(mirrored: bool) -> None:
    generated, real = pictures(3, 4), pictures(40, 5)
    real[17] = generated[1, :, ::-1] if mirrored else generated[1]
    result = found(generated, real, 8)
    assert result.records[1, 0] == 17
    assert result.relative[1, 0] < 1e-4
    assert result.relative[[0, 2], 0].min() > 0.5


def test_of_equally_near_ones_the_earlier_comes_first() -> None:
    real = np.repeat(pictures(1, 6), 9, axis=0)
    assert found(pictures(1, 7), real, 4).records.tolist() == [[0, 1, 2, 3]]


def test_fewer_real_pictures_than_asked_for_are_all_shown() -> None:
    result = found(pictures(2, 1), pictures(3, 2), 2)
    assert result.records.shape == result.distances.shape == result.pixels.shape[:2] == (2, 3)


@pytest.mark.parametrize("real", [pictures(1, 2), np.repeat(pictures(1, 2), 5, axis=0)])
def test_without_a_typical_distance_distances_stay_as_they_are(real: Pixels) -> None:
    result = found(pictures(2, 1), real, 2)
    assert not result.typical > 0
    np.testing.assert_array_equal(result.relative, result.distances)
    assert result.distances.min() > 0


def test_without_real_pictures_there_is_no_neighbour() -> None:
    assert nearest_real(pictures(2, 1), [], flat, 4) is None


def test_distance_of_a_copy_is_the_median_of_what_training_sees() -> None:
    plain = pictures(3, 8).astype(np.int64) // 2
    shifted = plain + np.array([0, 1, 5])[:, np.newaxis, np.newaxis, np.newaxis]
    shifted[2] = shifted[2, :, ::-1]
    pairs = [(shifted[:1], plain[:1]), (shifted[1:], plain[1:])]
    assert copy_distance(pairs, flat) == pytest.approx(np.sqrt(4 * 4 * 3))
    assert np.isnan(copy_distance([], flat))
