"""The metric of `audio_quality` for `tfma.MetricConfig`."""

from __future__ import annotations

from typing import Any, ClassVar

from components.evaluators.audio_quality import SignalNoiseSum
from components.evaluators.evaluate_signature import read_signal
from components.evaluators.image_quality_tfma import finite_decibels
from components.evaluators.prediction_metric import PredictionMetric


class SignalToNoiseRatio(PredictionMetric):
    """SNR in dB on [-1, 1], unclipped, powers pooled over all records."""

    metric_name: ClassVar[str] = "snr"
    empty: ClassVar[SignalNoiseSum] = SignalNoiseSum()

    @staticmethod
    def score(outputs: Any) -> SignalNoiseSum:
        """Powers of one record."""
        return SignalNoiseSum.between(*read_signal(outputs))

    @staticmethod
    def result(total: SignalNoiseSum) -> float:
        """Decibels, within plus and minus the ceiling."""
        return finite_decibels(total.ratio)
