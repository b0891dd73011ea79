import math

import numpy as np
import pytest

from components.evaluators.jackknife import jackknife_interval


def test_of_a_mean_it_is_students_interval():
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(0).normal(size=10)
    without = [np.delete(values, group).mean() for group in range(10)]
    low, high = jackknife_interval(values.mean(), without)
    expected = stats.t.interval(0.95, 9, loc=values.mean(), scale=stats.sem(values))
    assert (low, high) == pytest.approx(expected, rel=1e-12)


def test_it_holds_the_true_value_as_often_as_it_says():
    generator = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        groups = generator.normal(3.0, 1.0, (10, 5))
        without = [np.delete(groups, group, 0).var() for group in range(10)]
        low, high = jackknife_interval(groups.var(), without)
        held += low <= 1.0 <= high
    # A variance of 50 numbers is skewed, so a little less than 95 %.
    assert 0.88 < held / 400 < 0.99


@pytest.mark.parametrize(
    ("estimate", "without"), [(1.0, []), (1.0, [1.0]), (math.nan, [1, 2]), (1.0, [1.0, math.nan])]
)
def test_without_estimates_there_is_no_interval(estimate, without):
    assert all(math.isnan(bound) for bound in jackknife_interval(estimate, without))
