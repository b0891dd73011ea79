import math

import numpy as np
import pytest

from components.errors import DataError
from components.evaluators import kernel_distance as module
from components.evaluators.kernel_distance import kernel_distance, kernel_sums


def drawn(seed, images, dimensions=5, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1.0, (images, dimensions))


def by_definition(first, second):
    def kernel(x, y):
        return (np.dot(x, y) / len(x) + 1.0) ** 3

    def within(values):
        pairs = [(i, j) for i in range(len(values)) for j in range(len(values)) if i != j]
        return np.mean([kernel(values[i], values[j]) for i, j in pairs])

    between = np.mean([kernel(x, y) for x in first for y in second])
    return within(first) + within(second) - 2 * between


def test_equals_its_definition_pair_by_pair():
    first, second = drawn(0, 11), drawn(1, 7, shift=0.5)
    assert kernel_distance(first, second) == pytest.approx(by_definition(first, second), rel=1e-11)


def test_blocks_have_no_say(monkeypatch):
    first, second = drawn(0, 11), drawn(1, 7)
    whole = kernel_distance(first, second)
    monkeypatch.setattr(module, "_BLOCK", 3)
    assert kernel_distance(first, second) == pytest.approx(whole, rel=1e-11)


def test_leaving_a_group_out_is_the_distance_of_the_rest():
    first, second = drawn(2, 12), drawn(3, 9)
    first_groups, second_groups = np.arange(12) % 3, np.arange(9) // 3
    sums = kernel_sums(first, second, first_groups, second_groups, 3)
    for group in range(3):
        rest = first[first_groups != group], second[second_groups != group]
        assert sums.distance(group) == pytest.approx(by_definition(*rest), rel=1e-10)
    assert sums.distance() == pytest.approx(by_definition(first, second), rel=1e-10)


def test_it_is_unbiased_with_few_images():
    # Sets of 4 images of the same distribution: the mean over many is 0, within its error.
    found = [kernel_distance(drawn(2 * n, 4), drawn(2 * n + 1, 4)) for n in range(400)]
    assert abs(np.mean(found)) < 3.0 * np.std(found) / 20.0
    assert min(found) < 0.0
    biased = [kernel_distance(drawn(2 * n, 4), drawn(2 * n + 1, 4, shift=1.0)) for n in range(400)]
    assert np.mean(biased) > 10.0 * np.std(biased) / 20.0


def test_fewer_than_two_images_have_no_distance():
    assert math.isnan(kernel_distance(drawn(0, 1), drawn(1, 5)))
    assert math.isnan(kernel_distance(drawn(0, 5), drawn(1, 1)))


def test_features_of_different_networks_are_an_error():
    with pytest.raises(DataError, match="the same dimensions"):
        kernel_distance(drawn(0, 4, 5), drawn(0, 4, 6))
