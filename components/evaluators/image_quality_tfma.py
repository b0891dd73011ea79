"""The metrics of `image_quality` and `squared_error` for `tfma.MetricConfig`."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from components.evaluators.evaluate_signature import read_signal
from components.evaluators.image_quality import SimilaritySum, ssim, unit_squared_error
from components.evaluators.prediction_metric import PredictionMetric
from components.evaluators.squared_error import SquaredErrorSum, peak_signal_to_noise_ratio

# Two float32 signals in [0, 1] that differ at all in every value are about 144 dB apart, so this
# stands for "no difference". Infinity would not do: it is not JSON, and TFMA's comparison of two
# perfect models, infinity minus infinity, is not a number, which no gate passes.
DECIBEL_CEILING = 150.0


def finite_decibels(value: float) -> float:
    """The value, held within plus and minus `DECIBEL_CEILING`; not a number stays so."""
    return value if math.isnan(value) else max(-DECIBEL_CEILING, min(DECIBEL_CEILING, value))


class PeakSignalToNoiseRatio(PredictionMetric):
    """PSNR in dB on [0, 1], prediction clipped, squared error pooled over all records."""

    metric_name: ClassVar[str] = "psnr"
    empty: ClassVar[SquaredErrorSum] = SquaredErrorSum()

    @staticmethod
    def score(outputs: Any) -> SquaredErrorSum:
        """Squared error of one record on [0, 1]."""
        return unit_squared_error(*read_signal(outputs))

    @staticmethod
    def result(total: SquaredErrorSum) -> float:
        """Decibels, at most `DECIBEL_CEILING`."""
        return finite_decibels(peak_signal_to_noise_ratio(total.mean))


class StructuralSimilarity(PredictionMetric):
    """SSIM on [0, 1], prediction clipped, mean over the records; NaN below 7 pixels a side."""

    metric_name: ClassVar[str] = "ssim"
    empty: ClassVar[SimilaritySum] = SimilaritySum()

    @staticmethod
    def score(outputs: Any) -> SimilaritySum:
        """SSIM of one record."""
        return SimilaritySum(ssim(*read_signal(outputs)), 1)

    @staticmethod
    def result(total: SimilaritySum) -> float:
        """The mean."""
        return total.mean


class SignalSquaredError(PredictionMetric):
    """Mean squared error on [-1, 1], unclipped: what the network was fitted by."""

    metric_name: ClassVar[str] = "mse"
    empty: ClassVar[SquaredErrorSum] = SquaredErrorSum()

    @staticmethod
    def score(outputs: Any) -> SquaredErrorSum:
        """Squared error of one record on [-1, 1]."""
        return SquaredErrorSum.between(*read_signal(outputs))

    @staticmethod
    def result(total: SquaredErrorSum) -> float:
        """The mean."""
        return total.mean
