"""Inception score (Salimans et al. 2016): `exp` of the mean divergence of p(class | image) from
p(class).

The images are divided into splits (10, customarily); the score is the mean of the splits' scores,
and their standard deviation (n, not n - 1) is told beside it. Few images a split lower the score:
it cannot exceed their number.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError


@dataclass(frozen=True, eq=False)
class ClassProbabilitySums:
    """What the score of a split needs of its images.

    Attributes:
        count: Images.
        total: Sum of their probabilities, float64 `[classes]`; None without images.
        negative_entropy: Sum over images and classes of `p log p`, nats.
    """

    count: int = 0
    total: NDArray[np.float64] | None = None
    negative_entropy: float = 0.0

    @classmethod
    def of(cls, probabilities: NDArray[Any]) -> ClassProbabilitySums:
        """The sums of probabilities `[images, classes]`.

        Raises:
            DataError: They are no matrix.
        """
        if probabilities.ndim != 2:
            raise DataError(
                "probabilities are no matrix",
                found=probabilities.shape,
                expected="[images, classes]",
            )
        if not len(probabilities):
            return cls()
        values = probabilities.astype(np.float64)
        return cls(len(values), values.sum(axis=0), float(np.sum(_p_log_p(values))))

    def merge(self, other: ClassProbabilitySums) -> ClassProbabilitySums:
        """The sums over the images of both."""
        if self.total is None:
            return other
        if other.total is None:
            return self
        return ClassProbabilitySums(
            self.count + other.count,
            self.total + other.total,
            self.negative_entropy + other.negative_entropy,
        )

    @property
    def score(self) -> float:
        """From 1 to the number of classes; not a number without images."""
        if self.total is None:
            return math.nan
        marginal = self.total / self.count
        divergence = self.negative_entropy / self.count - float(np.sum(_p_log_p(marginal)))
        return math.exp(divergence) if math.isfinite(divergence) else math.nan


def inception_score(splits: Sequence[ClassProbabilitySums]) -> tuple[float, float]:
    """Mean and standard deviation of the splits' scores; splits without images do not count."""
    scores = [split.score for split in splits if split.count]
    if not scores:
        return math.nan, math.nan
    return float(np.mean(scores)), float(np.std(scores))


def contiguous_splits(probabilities: NDArray[Any], splits: int) -> list[ClassProbabilitySums]:
    """The splits of the authors' script: blocks in the order of the images.

    Args:
        probabilities: `[images, classes]`.
        splits: How many.
    """
    bounds = [number * len(probabilities) // splits for number in range(splits + 1)]
    return [
        ClassProbabilitySums.of(probabilities[start:end])
        for start, end in itertools.pairwise(bounds)
    ]


def _p_log_p(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """`p log p`, 0 at 0; what is not a number stays so."""
    return values * np.log(np.where(values == 0.0, 1.0, values))
