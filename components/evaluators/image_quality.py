"""PSNR and SSIM as the SIREN authors measure them (`write_psnr` in their `utils.py`).

Values come in [-1, 1], are mapped to [0, 1], and the prediction is clipped there: a network may
overshoot what a screen can show, and that part is not counted as an error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.squared_error import SquaredErrorSum, peak_signal_to_noise_ratio

SSIM_WINDOW = 7
# Wang et al. 2004, section III.B: C = (K * data_range) ** 2.
_SSIM_LUMINANCE = 0.01**2
_SSIM_CONTRAST = 0.03**2


@dataclass(frozen=True)
class SimilaritySum:
    """SSIM over any number of images, each counting once.

    Attributes:
        similarity: Sum of the images' SSIM.
        images: How many images it is the sum of.
    """

    similarity: float = 0.0
    images: int = 0

    def merge(self, other: SimilaritySum) -> SimilaritySum:
        """The similarity over the images of both."""
        return SimilaritySum(self.similarity + other.similarity, self.images + other.images)

    @property
    def mean(self) -> float:
        """The mean SSIM; not a number where nothing was added."""
        return self.similarity / self.images if self.images else math.nan


def to_unit_range(values: NDArray[Any]) -> NDArray[Any]:
    """Maps [-1, 1] to [0, 1] in float64, without clipping."""
    return values.astype(np.float64) / 2.0 + 0.5


def unit_squared_error(prediction: NDArray[Any], target: NDArray[Any]) -> SquaredErrorSum:
    """Squared error on [0, 1] with the prediction clipped.

    Args:
        prediction: Any shape, in [-1, 1] or beyond.
        target: Of the same shape, in [-1, 1].
    """
    _check_shapes(prediction, target)
    clipped = np.clip(to_unit_range(prediction), 0.0, 1.0)
    return SquaredErrorSum.between(clipped, to_unit_range(target))


def psnr(prediction: NDArray[Any], target: NDArray[Any]) -> float:
    """PSNR in dB over all values together; for a video, over all of its frames.

    Args:
        prediction: Any shape, in [-1, 1] or beyond; clipped.
        target: Of the same shape, in [-1, 1].

    Returns:
        Decibels; infinity for equal arrays.
    """
    return peak_signal_to_noise_ratio(unit_squared_error(prediction, target).mean)


def ssim(prediction: NDArray[Any], target: NDArray[Any]) -> float:
    """Structural similarity of one image, the mean over its channels.

    Equal to scikit-image's `structural_similarity(..., data_range=1, channel_axis=-1)`: windows of
    7 x 7 with equal weights, sample (not population) covariance, windows wholly inside the image.

    Args:
        prediction: `[height, width, channels]`, in [-1, 1] or beyond; clipped.
        target: Of the same shape, in [-1, 1].

    Returns:
        In [-1, 1]; not a number for an image too small to hold one window.
    """
    _check_shapes(prediction, target)
    if target.ndim != 3:
        raise DataError(
            "SSIM is defined on an image", found=target.shape, expected="[height, width, channels]"
        )
    if min(target.shape[:2]) < SSIM_WINDOW:
        return math.nan
    return _ssim_unit_range(np.clip(to_unit_range(prediction), 0.0, 1.0), to_unit_range(target))


def _ssim_unit_range(first: NDArray[Any], second: NDArray[Any]) -> float:
    """SSIM of two float64 images in [0, 1], `[height, width, channels]`, at least 7 x 7."""
    mean_first, mean_second = _window_mean(first), _window_mean(second)
    pixels = SSIM_WINDOW**2
    sample = pixels / (pixels - 1)
    variance_first = sample * (_window_mean(first * first) - mean_first**2)
    variance_second = sample * (_window_mean(second * second) - mean_second**2)
    covariance = sample * (_window_mean(first * second) - mean_first * mean_second)
    numerator = (2 * mean_first * mean_second + _SSIM_LUMINANCE) * (2 * covariance + _SSIM_CONTRAST)
    denominator = (mean_first**2 + mean_second**2 + _SSIM_LUMINANCE) * (
        variance_first + variance_second + _SSIM_CONTRAST
    )
    return float(np.mean(numerator / denominator))


def _window_mean(image: NDArray[Any]) -> NDArray[Any]:
    """Mean of every window wholly inside: `[height - 6, width - 6, channels]`."""
    height, width = (size - SSIM_WINDOW + 1 for size in image.shape[:2])
    rows = np.zeros((height, *image.shape[1:]))
    for offset in range(SSIM_WINDOW):
        rows += image[offset : offset + height]
    windows = np.zeros((height, width, *image.shape[2:]))
    for offset in range(SSIM_WINDOW):
        windows += rows[:, offset : offset + width]
    return windows / SSIM_WINDOW**2


def _check_shapes(prediction: NDArray[Any], target: NDArray[Any]) -> None:
    if prediction.shape != target.shape:
        raise DataError(
            "prediction and target differ in shape",
            found=prediction.shape,
            expected=str(target.shape),
        )
