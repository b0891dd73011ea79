"""Classification: top-k accuracy with its confidence interval, cross-entropy.

Ties: of equally probable classes the one with the lower number ranks first, as for `argmax` and
`tf.math.top_k`. A network that gives the same to every class is thus right as often as the first k
classes occur, and not always, as it would be if ties counted as hits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.evaluate_signature import EVALUATE_SIGNATURE, PREDICTION, TARGET

DISABLED_FEATURES = "disabled_features"
CONFIDENCE = 0.95
# Float32 gives a probability of 0 to what is rarer than this; its logarithm would be infinite.
SMALLEST_PROBABILITY = float(np.finfo(np.float32).tiny)
# How far the probabilities of a record may be from 1 in all; bfloat16 rounds by 1 in 256.
_SUM_TOLERANCE = 0.02


@dataclass(frozen=True)
class HitCount:
    """How many of some records were right.

    Attributes:
        hits: Records that were; not a number as soon as one record's probabilities were not.
        records: Records in all.
    """

    hits: float = 0.0
    records: int = 0

    def merge(self, other: HitCount) -> HitCount:
        """The records of both."""
        return HitCount(self.hits + other.hits, self.records + other.records)

    @property
    def accuracy(self) -> float:
        """The share of hits, in [0, 1]; not a number without records."""
        return self.hits / self.records if self.records else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy; see `bootstrap_interval`."""
        if not self.records or math.isnan(self.hits):
            return math.nan, math.nan
        return bootstrap_interval(round(self.hits), self.records)


@dataclass(frozen=True)
class RecordMean:
    """The mean over records of a number that each record has.

    Attributes:
        total: Sum of the numbers.
        records: How many records it is the sum of.
    """

    total: float = 0.0
    records: int = 0

    def merge(self, other: RecordMean) -> RecordMean:
        """The mean over the records of both."""
        return RecordMean(self.total + other.total, self.records + other.records)

    @property
    def mean(self) -> float:
        """The mean; not a number without records."""
        return self.total / self.records if self.records else math.nan


def read_classification(outputs: Any) -> tuple[NDArray[Any], int]:
    """Probabilities and label of one record.

    Args:
        outputs: Of the model's `evaluate` signature: `prediction` float `[classes]`, probabilities,
            and `target` int64, from 0.

    Returns:
        Probabilities `[classes]`, which may be not a number, and the label.

    Raises:
        DataError: An output is absent, the prediction is no distribution, or the label is none of
            its classes.
    """
    probabilities = np.ravel(np.asarray(_output(outputs, PREDICTION)))
    label = int(np.ravel(_output(outputs, TARGET))[0])
    if not 0 <= label < probabilities.size:
        raise DataError(
            "a record's label is none of the model's classes",
            found=label,
            expected=f"0 to {probabilities.size - 1}",
            fix="train with network.classes as the data set has them; labels count from 0",
        )
    # Comparisons with what is not a number are false, so that it passes here and fails at a gate.
    total = float(np.sum(probabilities, dtype=np.float64))
    if abs(total - 1.0) > _SUM_TOLERANCE or float(np.min(probabilities)) < 0.0:
        raise DataError(
            "the model's prediction is no probability distribution",
            found=f"sum {total:.4g}, smallest {float(np.min(probabilities)):.4g}",
            expected="numbers from 0 on that add up to 1",
            fix="export probabilities, not logits",
        )
    return probabilities, label


def read_disabled_features(outputs: Any) -> float:
    """The share of disabled features that the model gives with one record, in [0, 1].

    Raises:
        DataError: The output is absent.
    """
    return float(np.ravel(_output(outputs, DISABLED_FEATURES))[0])


def top_k_hit(probabilities: NDArray[Any], label: int, k: int) -> HitCount:
    """Whether the label is among the k most probable classes of one record.

    Args:
        probabilities: `[classes]`; with k classes or fewer, every label is a hit.
        label: From 0.
        k: How many classes count.
    """
    if not np.all(np.isfinite(probabilities)):
        return HitCount(math.nan, 1)
    own = probabilities[label]
    before = np.count_nonzero(probabilities > own)
    before += np.count_nonzero(probabilities[:label] == own)
    return HitCount(float(before < k), 1)


def cross_entropy(probabilities: NDArray[Any], label: int) -> RecordMean:
    """Minus the natural logarithm of the label's probability, for one record.

    Args:
        probabilities: `[classes]`.
        label: From 0.

    Returns:
        At most 87.3, for probabilities below float32's smallest.
    """
    if not np.all(np.isfinite(probabilities)):
        return RecordMean(math.nan, 1)
    return RecordMean(-math.log(max(float(probabilities[label]), SMALLEST_PROBABILITY)), 1)


def bootstrap_interval(
    hits: int, records: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The percentile bootstrap's confidence interval of an accuracy, without drawing anything.

    Drawing as many records with replacement as there are, again and again, gives hits that follow
    the binomial distribution of (records, hits / records): the percentiles that infinitely many
    draws would have are read off that distribution. So the interval depends on the two counts
    alone, and not on a seed, or on how Beam divides the work.

    Where all records are hits, or none is, every draw gives the same and the interval has no width;
    that is the bootstrap's weakness with few records.

    Args:
        hits: Right records.
        records: Records, 1 or more.
        confidence: Share of the draws inside the interval.

    Returns:
        Lowest and highest accuracy, in [0, 1].
    """
    if hits in (0, records):
        return hits / records, hits / records
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, records + 1)))])
    count = np.arange(records + 1)
    share = hits / records
    log_probability = (
        log_factorial[records]
        - log_factorial
        - log_factorial[::-1]
        + count * math.log(share)
        + (records - count) * math.log1p(-share)
    )
    cumulative = np.cumsum(np.exp(log_probability))
    tail = (1.0 - confidence) / 2.0
    low, high = np.searchsorted(cumulative / cumulative[-1], [tail, 1.0 - tail])
    return float(low) / records, float(high) / records


def _output(outputs: Any, name: str) -> Any:
    if not isinstance(outputs, Mapping) or name not in outputs:
        found = sorted(outputs) if isinstance(outputs, Mapping) else type(outputs).__name__
        raise DataError(
            f"the model's `{EVALUATE_SIGNATURE}` signature lacks the output `{name}`",
            found=found,
            expected=f"{PREDICTION}, {TARGET}, {DISABLED_FEATURES}",
            fix="export the model with Papergarden's trainer",
        )
    return outputs[name]
