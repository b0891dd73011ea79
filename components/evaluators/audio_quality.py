"""Signal-to-noise ratio of a waveform, on [-1, 1] and unclipped.

PSNR and MSE of a waveform are those of `image_quality` and `squared_error`: they do not know what
the values are samples of.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.evaluators.squared_error import SquaredErrorSum, decibels


@dataclass(frozen=True)
class SignalNoiseSum:
    """Power of signal and noise over any number of waveforms.

    Attributes:
        signal: Sum of the squared target values.
        noise: Squared error of the prediction.
    """

    signal: float = 0.0
    noise: SquaredErrorSum = field(default_factory=SquaredErrorSum)

    @classmethod
    def between(cls, prediction: NDArray[Any], target: NDArray[Any]) -> SignalNoiseSum:
        """The powers of one waveform, any shape, summed in float64."""
        signal = float(np.sum(np.square(target.astype(np.float64))))
        return cls(signal, SquaredErrorSum.between(prediction, target))

    def merge(self, other: SignalNoiseSum) -> SignalNoiseSum:
        """The powers of both."""
        return SignalNoiseSum(self.signal + other.signal, self.noise.merge(other.noise))

    @property
    def ratio(self) -> float:
        """SNR in dB: infinite without noise, not a number without signal and noise."""
        noise = self.noise.squared_error
        if noise == 0.0:
            return math.inf if self.signal > 0.0 else math.nan
        return decibels(self.signal / noise)


def snr(prediction: NDArray[Any], target: NDArray[Any]) -> float:
    """SNR in dB of a waveform.

    Args:
        prediction: Any shape, in [-1, 1] or beyond; not clipped.
        target: Of the same shape, in [-1, 1].
    """
    return SignalNoiseSum.between(prediction, target).ratio
