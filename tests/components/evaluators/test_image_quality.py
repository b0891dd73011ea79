import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from components.errors import DataError
from components.evaluators.image_quality import SimilaritySum, psnr, ssim, unit_squared_error

SHAPES = st.tuples(st.integers(7, 12), st.integers(7, 12), st.integers(1, 3))
IMAGES = SHAPES.flatmap(
    lambda shape: st.tuples(
        *(hnp.arrays(np.float32, shape, elements=st.floats(-1.5, 1.5, width=32)),) * 2
    )
)


def waves(height, width, channels):
    """A prediction and a target in [0, 1], the same on every machine."""
    y, x, channel = np.mgrid[0:height, 0:width, 0:channels].astype(np.float64)
    target = 0.5 + 0.5 * np.sin(0.3 * y + 0.17 * x * (channel + 1) + channel)
    return np.clip(target + 0.1 * np.cos(1.3 * x - 0.7 * y + channel), 0, 1), target


def ssim_by_definition(first, second):
    """One window at a time, straight from Wang et al. 2004, with the sample covariance."""
    values = []
    for channel in range(first.shape[2]):
        for row in range(first.shape[0] - 6):
            for column in range(first.shape[1] - 6):
                window = slice(row, row + 7), slice(column, column + 7), channel
                a, b = first[window].ravel(), second[window].ravel()
                covariance = np.cov(a, b)
                values.append(
                    (2 * a.mean() * b.mean() + 1e-4)
                    * (2 * covariance[0, 1] + 9e-4)
                    / (
                        (a.mean() ** 2 + b.mean() ** 2 + 1e-4)
                        * (covariance[0, 0] + covariance[1, 1] + 9e-4)
                    )
                )
    return float(np.mean(values))


# scikit-image 0.24.0: structural_similarity(target, prediction, data_range=1, channel_axis=-1) and
# peak_signal_noise_ratio(target, prediction, data_range=1) of the images of `waves`.
@pytest.mark.parametrize(
    ("shape", "expected_ssim", "expected_psnr"),
    [
        ((16, 20, 1), 0.9416248085064837, 23.713020502408916),
        ((9, 31, 3), 0.9606769467337859, 23.681203288979617),
        ((7, 7, 1), 0.8780807636984518, 24.112439285999297),
    ],
)
def test_equals_scikit_image(shape, expected_ssim, expected_psnr):
    prediction, target = (2 * image - 1 for image in waves(*shape))
    assert ssim(prediction, target) == pytest.approx(expected_ssim, abs=1e-9)
    assert psnr(prediction, target) == pytest.approx(expected_psnr, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(IMAGES)
def test_ssim_equals_its_definition_window_by_window(images):
    prediction, target = images
    target = np.clip(target, -1, 1)
    expected = ssim_by_definition(
        np.clip(prediction.astype(np.float64) / 2 + 0.5, 0, 1),
        target.astype(np.float64) / 2 + 0.5,
    )
    assert ssim(prediction, target) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(IMAGES)
def test_overshoot_is_not_an_error(images):
    prediction, _ = images
    shown = np.clip(prediction, -1, 1)
    assert unit_squared_error(prediction, shown).squared_error == 0.0
    assert psnr(prediction, shown) == math.inf
    assert ssim(prediction, shown) == pytest.approx(1.0)


def test_psnr_against_a_constant_error():
    target = np.zeros((4, 4, 3), np.float32)
    # 0.2 on [-1, 1] is 0.1 on [0, 1].
    assert psnr(target + 0.2, target) == pytest.approx(20.0, abs=1e-4)


def test_a_video_is_pooled_and_not_averaged_by_frame():
    target = np.zeros((4, 4, 1), np.float32)
    perfect = unit_squared_error(target, target)
    wrong = unit_squared_error(target + 0.2, target)
    assert wrong.merge(perfect).mean == pytest.approx(0.005, rel=1e-5)


@pytest.mark.parametrize("shape", [(6, 40, 1), (40, 6, 3), (1, 9, 1)])
def test_ssim_of_an_image_smaller_than_its_window_is_not_a_number(shape):
    assert math.isnan(ssim(np.zeros(shape), np.zeros(shape)))


def test_one_bad_value_makes_both_not_a_number():
    target = np.zeros((8, 8, 1), np.float32)
    prediction = target.copy()
    prediction[3, 3] = np.nan
    assert math.isnan(psnr(prediction, target))
    assert math.isnan(ssim(prediction, target))


def test_different_shapes_are_an_error_and_not_broadcast():
    with pytest.raises(DataError, match="differ in shape"):
        psnr(np.zeros((8, 8, 1)), np.zeros((8, 8, 3)))
    with pytest.raises(DataError, match=r"\[height, width, channels\]"):
        ssim(np.zeros((8, 8)), np.zeros((8, 8)))


def test_similarity_counts_every_image_once():
    total = SimilaritySum(1.0, 1).merge(SimilaritySum(0.5, 1)).merge(SimilaritySum())
    assert total.mean == pytest.approx(0.75)
    assert math.isnan(SimilaritySum().mean)
