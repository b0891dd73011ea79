"""Pooled squared error: the sum that MSE, PSNR and SNR are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SquaredErrorSum:
    """Squared error over any number of values; merging two gives the error over both.

    Attributes:
        squared_error: Sum of the squared differences.
        count: How many values it is the sum of.
    """

    squared_error: float = 0.0
    count: int = 0

    @classmethod
    def between(cls, prediction: NDArray[Any], target: NDArray[Any]) -> SquaredErrorSum:
        """The error between two arrays of one shape, summed in float64."""
        difference = prediction.astype(np.float64) - target.astype(np.float64)
        return cls(float(np.sum(np.square(difference))), int(difference.size))

    def merge(self, other: SquaredErrorSum) -> SquaredErrorSum:
        """The error over the values of both."""
        return SquaredErrorSum(self.squared_error + other.squared_error, self.count + other.count)

    @property
    def mean(self) -> float:
        """The mean squared error; not a number where nothing was added."""
        return self.squared_error / self.count if self.count else math.nan


def decibels(power_ratio: float) -> float:
    """`10 log10(ratio)`: infinite for infinity, minus infinite for 0, not a number for NaN."""
    if math.isnan(power_ratio):
        return math.nan
    if power_ratio == 0.0:
        return -math.inf
    return 10.0 * math.log10(power_ratio)


def peak_signal_to_noise_ratio(mean_squared_error: float, data_range: float = 1.0) -> float:
    """PSNR in dB.

    Args:
        mean_squared_error: In squared units of the data.
        data_range: Largest minus smallest possible value.

    Returns:
        Decibels; infinity where the error is 0, not a number where the error is not one.
    """
    if mean_squared_error == 0.0:
        return math.inf
    return decibels(data_range**2 / mean_squared_error)
