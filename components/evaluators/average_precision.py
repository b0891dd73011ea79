"""COCO's average precision and average recall (cocodataset.org, "Detection evaluation").

The twelve numbers of pycocotools' `COCOeval`, and what they are the means of. Precision is read at
101 recalls off a curve that is made to fall; recall is the highest that is reached. Both are
means over ten thresholds of overlap from 0.5 to 0.95, and over categories.

A mean over nothing is not a number; pycocotools calls it -1.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.detection_matching import (
    AREA_RANGES,
    DETECTION_DTYPE,
    IOU_THRESHOLDS,
    TARGET_DTYPE,
    ImageMatches,
)

RECALL_LEVELS = np.linspace(0.0, 1.0, 101)
MAX_DETECTIONS = (1, 10, 100)

_CASES = len(AREA_RANGES) * len(IOU_THRESHOLDS)
_THRESHOLD_50, _THRESHOLD_75 = 0, 5


@dataclass
class DetectionMatches:
    """What became of the detections of any number of images, in no order.

    Attributes:
        image_ids: The images.
        detections: Arrays of `DETECTION_DTYPE`, to be read as one.
        targets: Arrays of `TARGET_DTYPE`, to be read as one; a category may stand in several rows.
    """

    image_ids: list[int] = field(default_factory=list)
    detections: list[NDArray[np.void]] = field(default_factory=list)
    targets: list[NDArray[np.void]] = field(default_factory=list)

    def add(self, image: ImageMatches) -> None:
        """Adds an image."""
        self.image_ids.append(image.image_id)
        self.detections.append(image.detections)
        self.targets.append(image.targets)

    def merge(self, other: DetectionMatches) -> None:
        """Adds the images of another."""
        self.image_ids.extend(other.image_ids)
        self.detections.extend(other.detections)
        self.targets.extend(other.targets)

    def settle(self) -> None:
        """Makes one array of many, before it travels."""
        if len(self.detections) > 1:
            self.detections = [self.all_detections()]
            self.targets = [self.all_targets()]

    def all_detections(self) -> NDArray[np.void]:
        """`DETECTION_DTYPE` `[detections]`."""
        return np.concatenate([np.zeros(0, DETECTION_DTYPE), *self.detections])

    def all_targets(self) -> NDArray[np.void]:
        """`TARGET_DTYPE` `[categories]`, sorted, a row each."""
        rows = np.concatenate([np.zeros(0, TARGET_DTYPE), *self.targets])
        categories, members = np.unique(rows["category"], return_inverse=True)
        totals = np.zeros(len(categories), TARGET_DTYPE)
        totals["category"] = categories
        np.add.at(totals["targets"], members, rows["targets"])
        return totals


@dataclass(frozen=True, eq=False)
class DetectionScores:
    """Precision and recall, category by category.

    Not a number where a category has no target in a range of areas.

    Attributes:
        categories: int32 `[categories]`, those that have a target to find, sorted.
        num_targets: int64 `[categories, ranges]`, targets to find.
        precision: `[categories, ranges, thresholds, recalls]`, of at most 100 detections.
        recall: `[categories, ranges, thresholds, 3]`, of at most 1, 10, 100 detections.
    """

    categories: NDArray[np.int32]
    num_targets: NDArray[np.int64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    def only(self, categories: Collection[int]) -> DetectionScores:
        """The same of some categories."""
        chosen = np.isin(self.categories, list(categories))
        return DetectionScores(
            self.categories[chosen],
            self.num_targets[chosen],
            self.precision[chosen],
            self.recall[chosen],
        )

    def mean_precision(self) -> NDArray[np.float64]:
        """Precision on targets of any size, mean over categories, `[thresholds, recalls]`."""
        any_size = self.precision[:, 0]
        known = any_size[self.num_targets[:, 0] > 0]
        return known.mean(axis=0) if len(known) else np.full(any_size.shape[1:], np.nan)

    def summary(self) -> dict[str, float]:
        """The twelve numbers, means over the categories, each in [0, 1]."""
        precision, recall = self.precision, self.recall
        small, medium, large = range(1, len(AREA_RANGES))
        return {
            "ap": _mean(precision[:, 0]),
            "ap_50": _mean(precision[:, 0, _THRESHOLD_50]),
            "ap_75": _mean(precision[:, 0, _THRESHOLD_75]),
            "ap_small": _mean(precision[:, small]),
            "ap_medium": _mean(precision[:, medium]),
            "ap_large": _mean(precision[:, large]),
            "ar_1": _mean(recall[:, 0, :, 0]),
            "ar_10": _mean(recall[:, 0, :, 1]),
            "ar_100": _mean(recall[:, 0, :, 2]),
            "ar_small": _mean(recall[:, small, :, 2]),
            "ar_medium": _mean(recall[:, medium, :, 2]),
            "ar_large": _mean(recall[:, large, :, 2]),
        }


def detection_scores(matches: DetectionMatches) -> DetectionScores:
    """Precision and recall over all images.

    Detections of equal score are in the order of their images' numbers, then of their ranks, so
    that the order in which images were added does not matter.

    Raises:
        DataError: An image was added twice.
    """
    _check_images(matches.image_ids)
    targets = matches.all_targets()
    targets = targets[np.any(targets["targets"] > 0, axis=1)]
    found = matches.all_detections()
    found = found[
        np.lexsort((found["rank"], found["image_id"], -found["score"], found["category"]))
    ]
    first = np.searchsorted(found["category"], targets["category"], side="left")
    behind = np.searchsorted(found["category"], targets["category"], side="right")
    curves = [
        _curves(found[start:end], row["targets"])
        for start, end, row in zip(first, behind, targets, strict=True)
    ]
    shape = (len(targets), len(AREA_RANGES), len(IOU_THRESHOLDS))
    return DetectionScores(
        targets["category"].copy(),
        targets["targets"].copy(),
        np.array([one[0] for one in curves]).reshape(*shape, len(RECALL_LEVELS)),
        np.array([one[1] for one in curves]).reshape(*shape, len(MAX_DETECTIONS)),
    )


def _curves(
    found: NDArray[np.void], num_targets: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision `[ranges, thresholds, recalls]` and recall `[ranges, thresholds, 3]` of one."""
    right, wrong = (
        np.unpackbits(found[name], axis=1, count=_CASES).reshape(
            -1, len(AREA_RANGES), len(IOU_THRESHOLDS)
        )
        for name in ("right", "wrong")
    )
    shape = (len(AREA_RANGES), len(IOU_THRESHOLDS))
    precision = np.full((*shape, len(RECALL_LEVELS)), np.nan)
    recall = np.full((*shape, len(MAX_DETECTIONS)), np.nan)
    for area in np.flatnonzero(num_targets):
        for place, most in enumerate(MAX_DETECTIONS):
            recalled = right[found["rank"] < most, area].sum(axis=0, dtype=np.int64)
            recall[area, :, place] = recalled / num_targets[area]
        precision[area] = _precision(right[:, area].T, wrong[:, area].T, num_targets[area])
    return precision, recall


def _precision(
    right: NDArray[np.uint8], wrong: NDArray[np.uint8], num_targets: int
) -> NDArray[np.float64]:
    """Precision `[thresholds, recalls]` of detections `[thresholds, detections]`, best first."""
    at_recall = np.zeros((len(right), len(RECALL_LEVELS)))
    if not right.shape[1]:
        return at_recall
    rights = np.cumsum(right, axis=1, dtype=np.float64)
    wrongs = np.cumsum(wrong, axis=1, dtype=np.float64)
    precision = rights / (wrongs + rights + np.spacing(1))
    falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    for row, reached in enumerate(rights / num_targets):
        place = np.searchsorted(reached, RECALL_LEVELS)
        inside = place < len(reached)
        at_recall[row, inside] = falling[row, place[inside]]
    return at_recall


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(np.mean(known)) if known.size else float("nan")


def _check_images(image_ids: list[int]) -> None:
    numbers, counts = np.unique(np.array(image_ids, np.int64), return_counts=True)
    if np.any(counts > 1):
        raise DataError(
            f"image {numbers[counts > 1][0]} was evaluated more than once",
            found=f"{int(counts.max())} records with its `image_id`",
            expected="one record an image",
            fix="give each image its own id",
        )
