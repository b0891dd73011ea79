"""Finite differences against scipy, which the authors call."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import DataError
from components.trainers.siren.targets import (
    editing_target,
    gradient_target,
    laplace,
    laplacian_target,
    sobel,
)

ndimage = pytest.importorskip("scipy.ndimage", reason="the reference of this test")


def picture(height: int, width: int, channels: int, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).uniform(-1, 1, (height, width, channels))
    return drawn.astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3]), st.integers(0, 99))
def test_equal_scipy_at_every_size(height: int, width: int, channels: int, seed: int) -> None:
    image = picture(height, width, channels, seed)
    for channel in range(channels):
        plane = image[..., channel]
        for axis in (0, 1):
            found = sobel(image)[..., channel, axis]
            np.testing.assert_allclose(found, ndimage.sobel(plane, axis=axis), atol=2e-6)
        np.testing.assert_allclose(laplace(image)[..., channel], ndimage.laplace(plane), atol=2e-6)


def test_sobel_is_eight_central_differences() -> None:
    rows = np.repeat(np.arange(5.0, dtype=np.float32)[:, None], 6, axis=1)[..., None]
    assert set(sobel(rows)[1:-1, :, 0, 0].ravel()) == {8.0}
    assert not sobel(rows)[..., 1].any()


def test_targets_are_scaled_and_flat() -> None:
    image = picture(4, 5, 1)
    found = gradient_target(image).reshape(4, 5, 2)
    np.testing.assert_allclose(found, 10.0 * sobel(image)[:, :, 0], rtol=1e-5, atol=1e-5)
    expected = 1e4 * laplace(image)
    np.testing.assert_allclose(laplacian_target(image).reshape(4, 5, 1), expected, rtol=1e-3)


def test_editing_takes_the_mean_of_both_gradients_channel_by_channel() -> None:
    first, second = picture(4, 5, 3, 1), picture(4, 5, 3, 2)
    found = editing_target(first, second).reshape(4, 5, 3, 2)
    np.testing.assert_allclose(found, sobel(0.5 * (first + second)), atol=1e-5)


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(DataError, match="one size"):
        editing_target(picture(4, 5, 1), picture(5, 4, 1))


def test_a_missing_channel_axis_is_named() -> None:
    with pytest.raises(DataError, match="channel axis"):
        sobel(np.zeros((4, 4), np.float32))
