"""Masks as runs of pixels, COCO's way: columns from left to right, each from top to bottom.

Areas and intersections are exact, and no mask is ever spread out into pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.evaluators.run_length_text import read_run_lengths


@dataclass(frozen=True, eq=False)
class RunLengthMasks:
    """Masks of one image.

    Attributes:
        size: Height and width in pixels.
        starts: int64 `[runs]`, the first pixel of each run, mask by mask, ascending within one.
        ends: int64 `[runs]`, the pixel behind each run.
        bounds: int64 `[masks + 1]`: mask i has the runs from `bounds[i]` to `bounds[i + 1]`.
    """

    size: tuple[int, int]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    bounds: NDArray[np.int64]

    @classmethod
    def of_lengths(
        cls, lengths: NDArray[Any], counts: NDArray[Any], size: tuple[int, int]
    ) -> RunLengthMasks:
        """Masks from the lengths of their runs.

        Args:
            lengths: `[all lengths]`, mask by mask: not in the mask, in it, not in it, and so on;
                the first of a mask is 0 where its first pixel is in it.
            counts: `[masks]`, how many lengths each mask has.
            size: Height and width in pixels.

        Raises:
            DataError: The lengths of a mask are negative or do not add up to the image.
        """
        lengths, counts = lengths.astype(np.int64), counts.astype(np.int64)
        pixels = size[0] * size[1]
        if np.any(counts < 0) or counts.sum() != lengths.size or np.any(lengths < 0):
            raise DataError(
                "the lengths of runs are no masks",
                found=f"{lengths.size} lengths for masks of {int(counts.sum())}",
                expected="as many as the masks have, each 0 or more",
            )
        bounds = _bounds(counts)
        ends = np.cumsum(lengths)
        totals = np.concatenate([[0], ends])[bounds]
        wrong = np.flatnonzero(np.diff(totals) != pixels)
        if wrong.size:
            raise DataError(
                f"mask {wrong[0]} is not of the image's size",
                found=f"{int(np.diff(totals)[wrong[0]])} pixels",
                expected=f"{pixels} pixels, {size[0]} rows of {size[1]}",
            )
        ends = ends - np.repeat(totals[:-1], counts)
        inside = (np.arange(lengths.size) - np.repeat(bounds[:-1], counts)) % 2 == 1
        return cls(size, (ends - lengths)[inside], ends[inside], _bounds(counts // 2))

    @classmethod
    def of_texts(cls, texts: Sequence[bytes], size: tuple[int, int]) -> RunLengthMasks:
        """Masks from COCO's compressed text, the `counts` of a segmentation.

        Raises:
            DataError: A text is no mask of that size.
        """
        return cls.of_lengths(*read_run_lengths(texts), size)

    @classmethod
    def of_segments(cls, segment_map: NDArray[Any], segment_ids: NDArray[Any]) -> RunLengthMasks:
        """The mask of each of some segments.

        Args:
            segment_map: `[height, width]`, the id of each pixel's segment.
            segment_ids: `[segments]`, all different; those that no pixel has get empty masks.
        """
        height, width = segment_map.shape
        pixels = segment_map.T.ravel()
        starts = np.flatnonzero(np.concatenate([[True], pixels[1:] != pixels[:-1]]))
        ends = np.append(starts[1:], pixels.size)
        run_ids = pixels[starts]
        by_id = np.argsort(segment_ids, kind="stable")
        place = np.searchsorted(segment_ids[by_id], run_ids)
        place = np.minimum(place, len(by_id) - 1)
        wanted = np.flatnonzero(segment_ids[by_id][place] == run_ids) if len(by_id) else place[:0]
        masks = by_id[place[wanted]]
        order = np.argsort(masks, kind="stable")
        chosen = wanted[order]
        counts = np.bincount(masks, minlength=len(segment_ids))
        return cls((height, width), starts[chosen], ends[chosen], _bounds(counts))

    @property
    def areas(self) -> NDArray[np.int64]:
        """Pixels of each mask, `[masks]`."""
        covered = np.concatenate([[0], np.cumsum(self.ends - self.starts)])[self.bounds]
        return np.asarray(np.diff(covered), np.int64)

    def intersections(self, others: RunLengthMasks, wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Pixels that masks share with others.

        Args:
            others: Masks of the same size.
            wanted: `[masks, other masks]`: which pairs are of interest.

        Returns:
            `[masks, other masks]`, 0 for the pairs that are not.

        Raises:
            DataError: The sizes differ.
        """
        if self.size != others.size:
            raise DataError(
                "masks of different sizes cannot be compared",
                found=f"{self.size} and {others.size}",
                expected="height and width of the original image, twice",
            )
        shared = np.zeros(wanted.shape, np.int64)
        first, behind = self._extents()
        other_first, other_behind = others._extents()
        near = (first[:, np.newaxis] < other_behind) & (other_first < behind[:, np.newaxis])
        mask_of_run = np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.bounds))
        for other in np.flatnonzero(np.any(wanted & near, axis=0)):
            runs = slice(others.bounds[other], others.bounds[other + 1])
            chosen = np.flatnonzero((wanted & near)[:, other][mask_of_run])
            edges = np.stack([self.starts[chosen], self.ends[chosen]])
            from_start, to_end = _covered(others.starts[runs], others.ends[runs], edges)
            shared[:, other] = np.bincount(
                mask_of_run[chosen], weights=to_end - from_start, minlength=len(wanted)
            )
        return shared

    def _extents(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first pixel of each mask and the one behind its last; of empty ones 0 and 0."""
        first, behind = np.zeros((2, len(self.bounds) - 1), np.int64)
        filled = np.flatnonzero(np.diff(self.bounds))
        first[filled] = self.starts[self.bounds[filled]]
        behind[filled] = self.ends[self.bounds[filled + 1] - 1]
        return first, behind


def mask_overlaps(
    masks: RunLengthMasks,
    targets: RunLengthMasks,
    target_is_crowd: NDArray[np.bool_],
    wanted: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Intersection over union of masks with targets, as COCO's evaluation computes it.

    Of a crowd it is the intersection over the mask.

    Args:
        masks: What was found.
        targets: What there is to find, of the same size.
        target_is_crowd: `[targets]`.
        wanted: `[masks, targets]`: which pairs are of interest.

    Returns:
        `[masks, targets]` in [0, 1], 0 for the pairs that are not.
    """
    intersection = masks.intersections(targets, wanted)
    own = masks.areas[:, np.newaxis]
    union = np.where(target_is_crowd, own, own + targets.areas[np.newaxis] - intersection)
    return np.divide(intersection, union, out=np.zeros(wanted.shape), where=intersection > 0)


def _bounds(counts: NDArray[Any]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _covered(
    starts: NDArray[np.int64], ends: NDArray[np.int64], positions: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Pixels of one mask's runs before each position."""
    before = np.concatenate([[0], np.cumsum(ends - starts)])
    run = np.searchsorted(starts, positions, side="right") - 1
    within = np.minimum(positions, ends[run]) - starts[run]
    return np.where(run < 0, 0, before[run] + within)
