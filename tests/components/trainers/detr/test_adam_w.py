"""What AdamW leaves out changes nothing."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from components.trainers.detr.adam_w import AdamW


def trained(rate: float, largest_rate: float | None) -> np.ndarray:
    generator = np.random.default_rng(0)
    # Powers of two, whose last bit is half as large downwards, among weights of all magnitudes.
    start = np.concatenate(
        [2.0 ** np.arange(-60.0, 60.0), generator.standard_normal(1000) * 1e3]
    ).astype(np.float32)
    variable = keras.Variable(start)
    optimizer = AdamW(rate, [1.0], 1e-4, largest_rate=largest_rate)
    optimizer.build([variable])
    for _ in range(3):
        gradient = generator.standard_normal(len(start)).astype(np.float32)
        optimizer.apply([keras.ops.convert_to_tensor(gradient)])
    return np.asarray(variable.value)


def test_a_decay_that_rounding_takes_away_is_left_out() -> None:
    np.testing.assert_array_equal(trained(1e-4, 1e-4), trained(1e-4, None))


@pytest.mark.parametrize("rate", [1e-3, 1.0])
def test_a_decay_that_can_be_seen_is_made(rate: float) -> None:
    np.testing.assert_array_equal(trained(rate, rate), trained(rate, None))
    assert np.any(trained(rate, rate) != trained(rate, 1e-9))
