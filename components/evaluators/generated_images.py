"""The metrics that follow from accumulated real and generated images, with their intervals.

The groups of images (`image_set`) are the splits of the Inception score, and what the jackknife
leaves out one of. A record's images have the group of its real image, which is the same whichever
model is evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from components.errors import DataError
from components.evaluators.cluster_agreement import (
    ContingencyTable,
    matched_accuracy,
    nearest_codes,
    normalized_mutual_information,
)
from components.evaluators.frechet_distance import (
    SMALLEST_COUNT,
    frechet_distance,
)
from components.evaluators.generated_images_config import GeneratedImagesConfig, Quantity
from components.evaluators.generated_records import RecordImages
from components.evaluators.image_set import UNKNOWN, ImageSet
from components.evaluators.inception_score import inception_score
from components.evaluators.jackknife import jackknife_interval
from components.evaluators.kernel_distance import kernel_sums

Values = tuple[float, ...]


class GeneratedImages:
    """Real and generated images, accumulated.

    Args:
        config: Groups, and how many images are kept.
    """

    def __init__(self, config: GeneratedImagesConfig) -> None:
        self.real = ImageSet(config.groups, config.stored_images)
        self.generated = ImageSet(config.groups, config.stored_images)

    def add(self, record: RecordImages) -> None:
        """Adds the images of a record."""
        self.real.add(record.real)
        self.generated.add(record.generated)

    def merge(self, other: GeneratedImages) -> GeneratedImages:
        """Adds the images of another; returns itself."""
        self.real.merge(other.real)
        self.generated.merge(other.generated)
        return self

    def settle(self) -> None:
        """Adds up what waits, before it travels."""
        self.real.settle()
        self.generated.settle()

    def measure(self, quantity: Quantity) -> Values:
        """A metric's value, and where its 95 % interval begins and ends.

        Of the Inception score a fourth number follows, the deviation of the splits.

        Returns:
            Not a number where there are too few images or a feature is not finite: such a value
            passes no gate, and a slice of one record does not end an evaluation.

        Raises:
            DataError: The feature network has no classes, or the records no labels, that the
                quantity is about.
        """
        if quantity == "frechet_distance":
            return self._frechet_distance()
        if quantity == "class_score":
            return self._class_score()
        if quantity == "kernel_distance":
            return self._kernel_distance()
        score = normalized_mutual_information if quantity == "nmi" else matched_accuracy
        return self._cluster_agreement(score)

    def _frechet_distance(self) -> Values:
        def distance(left_out: int | None = None) -> float:
            moments = [one.moments(left_out) for one in (self.real, self.generated)]
            if any(one.count < SMALLEST_COUNT or not one.is_finite for one in moments):
                return math.nan
            return frechet_distance(*moments)

        return self._with_interval(distance, lowest=0.0)

    def _class_score(self) -> Values:
        splits = self.generated.scores
        if self.generated.count and not any(split.count for split in splits):
            raise DataError(
                "the feature network gives no probabilities of classes, which the score is about",
                found="features alone",
                expected="InceptionV3's file of weights with the classifier on top",
                fix="name that file in network_path, or leave the score out of `metrics`",
            )
        mean, deviation = inception_score(splits)
        filled = [split for split in splits if split.count]
        without = [
            inception_score([one for one in filled if one is not split])[0] for split in filled
        ]
        return (mean, *jackknife_interval(mean, without), deviation)

    def _kernel_distance(self) -> Values:
        real, generated = self.real.sample, self.generated.sample
        if real is None or generated is None:
            return math.nan, math.nan, math.nan
        groups = np.uint64(self.real.groups)
        sums = kernel_sums(
            real.features,
            generated.features,
            (real.keys % groups).astype(np.int64),
            (generated.keys % groups).astype(np.int64),
            int(groups),
        )
        return self._with_interval(sums.distance)

    def _cluster_agreement(self, score: Callable[[ContingencyTable], float]) -> Values:
        real, generated = self.real.sample, self.generated.sample
        if real is None or generated is None:
            return math.nan, math.nan, math.nan
        if UNKNOWN in real.numbers or UNKNOWN in generated.numbers:
            raise DataError(
                "the model's `evaluate` signature lacks `label` or `child_code`",
                found="records without",
                expected="int64, one of each a record",
                fix="leave the cluster metrics out of `metrics`, or export both",
            )
        if not (np.all(np.isfinite(real.features)) and np.all(np.isfinite(generated.features))):
            return math.nan, math.nan, math.nan
        clusters = nearest_codes(real.features, generated.features, generated.numbers)
        groups = real.keys % np.uint64(self.real.groups)

        def agreement(left_out: int | None = None) -> float:
            kept = np.ones(len(groups), bool) if left_out is None else groups != left_out
            return score(ContingencyTable.of(real.numbers[kept], clusters[kept]))

        return self._with_interval(agreement, lowest=0.0, highest=1.0)

    def _with_interval(
        self,
        estimate: Callable[[int | None], float],
        lowest: float = -math.inf,
        highest: float = math.inf,
    ) -> Values:
        """The estimate over all groups with its jackknife interval, within the possible values."""
        value = estimate(None)
        if math.isnan(value):
            return math.nan, math.nan, math.nan
        filled = sorted(self.real.filled_groups | self.generated.filled_groups)
        low, high = jackknife_interval(value, [estimate(group) for group in filled])
        return value, max(low, lowest), min(high, highest)
