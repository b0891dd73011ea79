"""Which detections of an image find which targets, as COCO's evaluation has it.

For each category, range of areas and threshold by itself, detections take turns in the order of
their scores. Each takes the target it overlaps most, if by the threshold or more, among those that
no earlier one has taken; a crowd can be taken again. Targets that are crowds or outside the range
of areas are taken only by detections that find no other, and these then count as neither right nor
wrong, as do detections without a target whose own area is outside the range.

Of equal scores the earlier detection comes first, of equal overlaps the later target is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.evaluators.detection_outputs import DetectedRegions, TargetRegions

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
# Smallest and largest area in square pixels, both inside.
AREA_RANGES: dict[str, tuple[float, float]] = {
    "all": (0.0, 1e5**2),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e5**2),
}
# Detections of a category in an image; what ranks behind them does not count.
MOST_DETECTIONS = 100

_CASES = len(AREA_RANGES) * len(IOU_THRESHOLDS)
# One row a detection. `right` and `wrong` are bits, [ranges, thresholds] in order.
DETECTION_DTYPE = np.dtype(
    [
        ("image_id", np.int64),
        ("category", np.int32),
        ("rank", np.uint8),
        ("score", np.float64),
        ("right", np.uint8, (_CASES // 8,)),
        ("wrong", np.uint8, (_CASES // 8,)),
    ]
)
# One row a category: how many targets there are to find, by range of areas.
TARGET_DTYPE = np.dtype([("category", np.int32), ("targets", np.int64, (len(AREA_RANGES),))])


@dataclass(frozen=True, eq=False)
class ImageRegions:
    """Detections and targets of one image.

    Attributes:
        image_id: The image's number in the data set.
        detected: What the model found.
        areas: float64 `[detections]`, in square pixels.
        targets: What there is to find.
        overlaps: float64 `[detections, targets]`, in [0, 1]; not read where labels differ.
    """

    image_id: int
    detected: DetectedRegions
    areas: NDArray[np.float64]
    targets: TargetRegions
    overlaps: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ImageMatches:
    """What became of one image's detections.

    Attributes:
        image_id: The image's number in the data set.
        detections: `DETECTION_DTYPE` `[detections]`.
        targets: `TARGET_DTYPE` `[categories]`.
    """

    image_id: int
    detections: NDArray[np.void]
    targets: NDArray[np.void]


def match_detections(image: ImageRegions) -> ImageMatches:
    """Matches the detections of one image with its targets, in all cases at once."""
    kept, rank = _ranked(image.detected)
    labels = image.detected.labels[kept]
    ignored = image.targets.is_crowd | _outside(image.targets.areas)
    overlaps = np.where(labels[:, np.newaxis] == image.targets.labels, image.overlaps[kept], -1.0)
    found, found_ignored = _take_turns(labels, overlaps, ignored, image.targets.is_crowd)
    outside = _outside(image.areas[kept]).T[:, :, np.newaxis]

    detections = np.zeros(len(kept), DETECTION_DTYPE)
    detections["image_id"] = image.image_id
    detections["category"] = labels
    detections["rank"] = rank
    detections["score"] = image.detected.scores[kept]
    detections["right"] = _as_bits(found & ~found_ignored)
    detections["wrong"] = _as_bits(~found & ~outside)

    categories, members = np.unique(image.targets.labels, return_inverse=True)
    targets = np.zeros(len(categories), TARGET_DTYPE)
    targets["category"] = categories
    np.add.at(targets["targets"], members, ~ignored.T)
    return ImageMatches(image.image_id, detections, targets)


def _ranked(detected: DetectedRegions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The detections that count, category by category, best first; and each one's rank in its."""
    order = np.lexsort((-detected.scores, detected.labels))
    rank = _place_in_group(detected.labels[order])
    counts = rank < MOST_DETECTIONS
    return order[counts], rank[counts]


def _place_in_group(sorted_labels: NDArray[np.int64]) -> NDArray[np.int64]:
    first = np.searchsorted(sorted_labels, sorted_labels)
    return np.arange(len(sorted_labels)) - first


def _outside(areas: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether areas are outside each range, `[ranges, areas]`."""
    limits = np.array(list(AREA_RANGES.values()))
    return (areas < limits[:, :1]) | (areas > limits[:, 1:])


def _take_turns(
    labels: NDArray[np.int64],
    overlaps: NDArray[np.float64],
    ignored: NDArray[np.bool_],
    is_crowd: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Lets detections take targets; those of different categories at the same time.

    Args:
        labels: `[detections]`, sorted, best first within a category.
        overlaps: `[detections, targets]`, below 0 where categories differ.
        ignored: `[ranges, targets]`.
        is_crowd: `[targets]`.

    Returns:
        Whether each detection took a target, and whether that is an ignored one,
        `[detections, ranges, thresholds]`.
    """
    shape = (len(labels), len(AREA_RANGES), len(IOU_THRESHOLDS))
    found, found_ignored = np.zeros(shape, bool), np.zeros(shape, bool)
    # Turned round: of equal overlaps argmax gives the first, and the last is wanted.
    prizes = np.flatnonzero(np.any(overlaps >= IOU_THRESHOLDS[0], axis=0))[::-1]
    overlaps, ignored, is_crowd = overlaps[:, prizes], ignored[:, prizes], is_crowd[prizes]
    # A power of two puts every target that counts before those that do not, and rounds nothing.
    worth = overlaps[:, np.newaxis] * np.where(ignored, 1.0, 4.0)
    free = np.ones((*shape[1:], prizes.size), bool)
    players = np.arange(len(labels))
    while True:
        # Who can take nothing now can take nothing later: most overlap nothing by half.
        players = players[np.any(overlaps[players] >= _least_open(free), axis=1)]
        if not players.size:
            return found, found_ignored
        is_first = np.append(True, np.diff(labels[players]) != 0)
        rows, players = players[is_first], players[~is_first]
        # [rows, ranges, thresholds, prizes]
        reached = overlaps[rows, np.newaxis, np.newaxis] >= IOU_THRESHOLDS[:, np.newaxis]
        within = reached & free
        best = np.argmax(within * worth[rows, :, np.newaxis], axis=-1)
        took = np.any(within, axis=-1)
        row, area, threshold = np.nonzero(took)
        prize = best[row, area, threshold]
        found[rows] = took
        found_ignored[rows[row], area, threshold] = ignored[area, prize]
        free[area, threshold, prize] = is_crowd[prize]


def _least_open(free: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The least threshold at which each target is free in any range; infinite where at none."""
    is_open = np.any(free, axis=0)
    least = IOU_THRESHOLDS[np.argmax(is_open, axis=0)]
    return np.where(np.any(is_open, axis=0), least, np.inf)


def _as_bits(cases: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.packbits(cases.reshape(len(cases), _CASES), axis=1)
