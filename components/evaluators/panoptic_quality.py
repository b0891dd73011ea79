"""Panoptic quality (Kirillov et al. 2019, arXiv 1801.00868, equation 1), of counted segments.

    PQ = sum of the matches' overlaps / (TP + FP / 2 + FN / 2) = SQ x RQ

for each category; a mean over categories is over those that occur. `panoptic_matching` says what
matches.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

# Overlaps above one half are whole multiples of 2^-53 in float64: their sum as an integer is exact,
# and so the same in whatever order images are added.
OVERLAP_UNITS = 2**53


@dataclass(frozen=True)
class SegmentCounts:
    """What became of the segments of one category.

    Attributes:
        overlap_units: Sum of the matches' overlaps, in units of 2^-53.
        matches: True positives.
        false_positives: Predicted segments without a match.
        false_negatives: True segments without a match.
    """

    overlap_units: int = 0
    matches: int = 0
    false_positives: int = 0
    false_negatives: int = 0

    def merge(self, other: SegmentCounts) -> SegmentCounts:
        """The segments of both."""
        return SegmentCounts(
            self.overlap_units + other.overlap_units,
            self.matches + other.matches,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
        )

    @property
    def quality(self) -> Quality:
        """PQ, SQ and RQ of this category; not numbers where it does not occur."""
        weight = self.matches + 0.5 * self.false_positives + 0.5 * self.false_negatives
        if weight == 0.0:
            return Quality()
        overlap = self.overlap_units / OVERLAP_UNITS
        segmentation = overlap / self.matches if self.matches else 0.0
        return Quality(overlap / weight, segmentation, self.matches / weight, 1)


@dataclass(frozen=True)
class Quality:
    """Panoptic quality of one or the mean of several categories, each in [0, 1].

    Attributes:
        pq: Panoptic quality.
        sq: Segmentation quality, the mean overlap of matches; 0 without a match.
        rq: Recognition quality.
        categories: Categories that occur, which the mean is over.
    """

    pq: float = math.nan
    sq: float = math.nan
    rq: float = math.nan
    categories: int = 0


@dataclass
class PanopticCounts:
    """What became of the segments of any number of images.

    Attributes:
        by_category: Category -> its counts.
    """

    by_category: dict[int, SegmentCounts] = field(default_factory=dict)

    def add(self, image: Mapping[int, SegmentCounts]) -> None:
        """Adds what became of the segments of an image, category by category."""
        for category, counts in image.items():
            known = self.by_category.get(category)
            self.by_category[category] = counts if known is None else known.merge(counts)

    def merge(self, other: PanopticCounts) -> None:
        """Adds the images of another."""
        self.add(other.by_category)

    def settle(self) -> None:
        """There is nothing that waits."""

    def qualities(self) -> Mapping[int, Quality]:
        """Category -> its quality, for those that occur, in the order of their numbers."""
        return {
            category: counts.quality
            for category, counts in sorted(self.by_category.items())
            if counts.quality.categories
        }

    def mean(self, categories: Collection[int]) -> Quality:
        """The mean over those of some categories that occur; not a number where none does."""
        found = [one for category, one in self.qualities().items() if category in categories]
        if not found:
            return Quality()
        return Quality(
            math.fsum(one.pq for one in found) / len(found),
            math.fsum(one.sq for one in found) / len(found),
            math.fsum(one.rq for one in found) / len(found),
            len(found),
        )
