"""The metrics of `classification` for `tfma.MetricConfig`, and the share of disabled features.

Why the intervals are not TFMA's own (`options.compute_confidence_intervals`): its bootstrap and its
jackknife draw from generators without a seed, so that every evaluation of the same model gives
other intervals; they run every combiner 20 times more, slice by slice; and they store every metric,
the number of records among them, as a bounded value, which the verdict would read as 0. An
accuracy's bootstrap needs two counts.
"""

from __future__ import annotations

from typing import Any, ClassVar

from components.evaluators.classification import (
    DISABLED_FEATURES,
    HitCount,
    RecordMean,
    cross_entropy,
    read_classification,
    read_disabled_features,
    top_k_hit,
)
from components.evaluators.prediction_metric import PredictionMetric


class _TopKAccuracy(PredictionMetric):
    """Share of records whose label is among the k most probable classes, with its interval."""

    k: ClassVar[int]
    empty: ClassVar[HitCount] = HitCount()
    suffixes: ClassVar[tuple[str, ...]] = ("_low", "_high")

    @classmethod
    def score(cls, outputs: Any) -> HitCount:
        """Whether one record is a hit."""
        return top_k_hit(*read_classification(outputs), cls.k)

    @staticmethod
    def result(total: HitCount) -> float:
        """The accuracy in [0, 1]."""
        return total.accuracy

    @staticmethod
    def further(total: HitCount) -> tuple[float, ...]:
        """Where the 95 % interval of the accuracy begins and ends."""
        return total.interval


class TopOneAccuracy(_TopKAccuracy):
    """Share of records whose label is the most probable class."""

    metric_name: ClassVar[str] = "top_1"
    k: ClassVar[int] = 1


class TopFiveAccuracy(_TopKAccuracy):
    """Share of records whose label is among the five most probable classes."""

    metric_name: ClassVar[str] = "top_5"
    k: ClassVar[int] = 5


class CrossEntropy(PredictionMetric):
    """Mean cross-entropy in nats."""

    metric_name: ClassVar[str] = "cross_entropy"
    empty: ClassVar[RecordMean] = RecordMean()

    @staticmethod
    def score(outputs: Any) -> RecordMean:
        """The cross-entropy of one record."""
        return cross_entropy(*read_classification(outputs))

    @staticmethod
    def result(total: RecordMean) -> float:
        """The mean."""
        return total.mean


class DisabledFeatures(PredictionMetric):
    """Share of BatchNorm's features that its gamma all but switches off.

    It is a property of the network, which `evaluate` gives with every record; the mean over records
    is the same number.
    """

    metric_name: ClassVar[str] = DISABLED_FEATURES
    empty: ClassVar[RecordMean] = RecordMean()

    @staticmethod
    def score(outputs: Any) -> RecordMean:
        """The share, as one record has it."""
        return RecordMean(read_disabled_features(outputs), 1)

    @staticmethod
    def result(total: RecordMean) -> float:
        """The share in [0, 1]."""
        return total.mean
