"""Which true and predicted segments of an image match, as panopticapi has it.

A true and a predicted segment of one category match where their intersection over union is above
one half; pixels that the truth leaves void are no part of the union. A predicted segment without a
match is a false positive, unless more than half of it is void or in a crowd of its category. A true
segment without a match is a false negative, unless it is a crowd.

Where an image has two crowds of a category, panopticapi counts only the one that is listed last;
so does this. Areas are those of the maps; panopticapi takes the true ones from the list, where COCO
has the same numbers.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.coco_categories import PanopticCategories
from components.evaluators.panoptic_outputs import VOID, PanopticImage, PanopticSegments
from components.evaluators.panoptic_quality import OVERLAP_UNITS, SegmentCounts

_MATCHING_OVERLAP = 0.5
_IGNORED_SHARE = 0.5


def panoptic_counts(
    image: PanopticImage, categories: PanopticCategories | None = None
) -> dict[int, SegmentCounts]:
    """What became of the segments of one image, category by category.

    Args:
        image: True and predicted segments.
        categories: Those of the data set; by default COCO's.

    Raises:
        DataError: A map has a segment that is not listed, or lacks one that is, a category is
            unknown, or the true and the predicted map differ in size.
    """
    predicted, target = image.predicted, image.target
    known = (categories or PanopticCategories()).all
    _check_categories(image.image_id, "predicted", predicted, known)
    _check_categories(image.image_id, "true", target, known)
    pixels = _shared_pixels(image)
    void = pixels[-1, :-1]
    shared = pixels[:-1, :-1]
    area, target_area = pixels[:, :-1].sum(axis=0), pixels[:-1].sum(axis=1)
    _check_areas(image.image_id, "predicted", predicted, area)
    _check_areas(image.image_id, "true", target, target_area)

    union = area + target_area[:, np.newaxis] - shared - void
    same = target.categories[:, np.newaxis] == predicted.categories
    eligible = same & ~target.is_crowd[:, np.newaxis] & (shared > 0)
    overlap = np.divide(shared, union, out=np.zeros(shared.shape), where=eligible)
    match = overlap > _MATCHING_OVERLAP
    missed = ~np.any(match, axis=1) & ~target.is_crowd
    ignored = void + _last_crowd(same & target.is_crowd[:, np.newaxis], shared)
    wrong = ~np.any(match, axis=0) & ~(ignored / area > _IGNORED_SHARE)

    counts: dict[int, SegmentCounts] = {}
    for row, column in np.argwhere(match):
        units = int(overlap[row, column] * OVERLAP_UNITS)
        _count(counts, target.categories[row], SegmentCounts(units, matches=1))
    for category in predicted.categories[wrong]:
        _count(counts, category, SegmentCounts(false_positives=1))
    for category in target.categories[missed]:
        _count(counts, category, SegmentCounts(false_negatives=1))
    return counts


def _count(counts: dict[int, SegmentCounts], category: int, more: SegmentCounts) -> None:
    counts[int(category)] = counts.get(int(category), SegmentCounts()).merge(more)


def _last_crowd(is_crowd_of: NDArray[np.bool_], shared: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pixels that each predicted segment shares with the last crowd of its category."""
    if not len(is_crowd_of):
        return np.zeros(shared.shape[1], np.int64)
    last = len(is_crowd_of) - 1 - np.argmax(is_crowd_of[::-1], axis=0)
    column = np.arange(shared.shape[1])
    return np.where(is_crowd_of[last, column], shared[last, column], 0)


def _shared_pixels(image: PanopticImage) -> NDArray[np.int64]:
    """Pixels of each pair of segments, `[targets + 1, predicted + 1]`; the last are void.

    Both maps are cut into runs along which neither changes: there are far fewer of them than
    pixels.
    """
    target_map, predicted_map = image.target.segment_map, image.predicted.segment_map
    if target_map.shape != predicted_map.shape:
        raise DataError(
            f"image {image.image_id}: true and predicted segments differ in size",
            found=f"{target_map.shape} and {predicted_map.shape}",
            expected="height and width of the original image, twice",
        )
    first, second = target_map.ravel(), predicted_map.ravel()
    changes = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    lengths = np.diff(starts, append=first.size)
    row = _places(image.image_id, "true", image.target, first[starts])
    column = _places(image.image_id, "predicted", image.predicted, second[starts])
    columns = image.predicted.ids.size + 1
    cells = (image.target.ids.size + 1) * columns
    pixels = np.bincount(row * columns + column, weights=lengths, minlength=cells)
    return pixels.astype(np.int64).reshape(-1, columns)


def _places(
    image_id: int, which: str, segments: PanopticSegments, run_ids: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Each run's place in the list of segments; void is behind the last."""
    order = np.argsort(segments.ids)
    ids, places = segments.ids[order], order
    if VOID not in segments.ids:
        place = int(np.searchsorted(ids, VOID))
        ids, places = np.insert(ids, place, VOID), np.insert(places, place, ids.size)
    found = np.minimum(np.searchsorted(ids, run_ids), ids.size - 1)
    unknown = run_ids[ids[found] != run_ids]
    if unknown.size:
        raise DataError(
            f"image {image_id}: the {which} map has a segment that is not listed",
            found=f"id {unknown[0]}",
            expected=f"{VOID} (void) or one of the {segments.ids.size} listed segments",
        )
    return np.asarray(places[found], np.int64)


def _check_areas(
    image_id: int, which: str, segments: PanopticSegments, areas: NDArray[np.int64]
) -> None:
    empty = segments.ids[areas == 0]
    if empty.size:
        raise DataError(
            f"image {image_id}: the {which} map lacks a segment that is listed",
            found=f"no pixel of id {empty[0]}",
            expected="one or more pixels of each listed segment",
        )


def _check_categories(
    image_id: int, which: str, segments: PanopticSegments, known: Collection[int]
) -> None:
    if which == "true" and VOID in segments.ids:
        raise DataError(
            f"image {image_id}: a true segment has the id of void",
            found=VOID,
            expected="ids from 1 on",
        )
    for segment_id, category in zip(segments.ids, segments.categories, strict=True):
        if int(category) not in known:
            raise DataError(
                f"image {image_id}: the {which} segment {segment_id} has an unknown category",
                found=int(category),
                expected=f"one of the {len(known)} categories of the data set",
            )
