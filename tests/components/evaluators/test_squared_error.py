import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from components.evaluators.squared_error import (
    SquaredErrorSum,
    decibels,
    peak_signal_to_noise_ratio,
)

VALUES = hnp.arrays(np.float32, st.integers(2, 60), elements=st.floats(-2, 2, width=32))


@given(VALUES, st.integers(1, 59))
def test_merged_parts_give_the_error_of_the_whole(values, cut):
    cut = min(cut, values.size - 1)
    target = np.zeros_like(values)
    parts = SquaredErrorSum.between(values[:cut], target[:cut]).merge(
        SquaredErrorSum.between(values[cut:], target[cut:])
    )
    whole = SquaredErrorSum.between(values, target)
    assert parts.count == whole.count == values.size
    assert parts.mean == pytest.approx(float(np.mean(values.astype(np.float64) ** 2)), abs=1e-12)


def test_parts_of_different_size_are_weighted_by_their_values():
    small = SquaredErrorSum.between(np.array([1.0]), np.array([0.0]))
    large = SquaredErrorSum.between(np.zeros(9), np.zeros(9))
    assert small.merge(large).mean == pytest.approx(0.1)


def test_float32_sums_do_not_lose_small_errors():
    error = SquaredErrorSum.between(np.full(3_000_000, 0.1, np.float32), np.zeros(3_000_000))
    assert error.mean == pytest.approx(0.01, rel=1e-6)


def test_mean_of_nothing_is_not_a_number():
    assert math.isnan(SquaredErrorSum().mean)


def test_psnr_of_known_errors():
    assert peak_signal_to_noise_ratio(0.01) == pytest.approx(20.0)
    assert peak_signal_to_noise_ratio(0.01, data_range=2.0) == pytest.approx(26.0206, abs=1e-4)
    assert peak_signal_to_noise_ratio(0.0) == math.inf
    assert math.isnan(peak_signal_to_noise_ratio(math.nan))
    assert peak_signal_to_noise_ratio(math.inf) == -math.inf


def test_decibels_at_the_ends():
    assert decibels(100.0) == pytest.approx(20.0)
    assert decibels(0.0) == -math.inf
    assert decibels(math.inf) == math.inf
    assert math.isnan(decibels(math.nan))
