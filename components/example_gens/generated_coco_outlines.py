"""The outline of a mask as polygons along the edges of its pixels."""

from __future__ import annotations

import numpy as np
from pycocotools import mask as coco_mask

# Right, down, left, up: clockwise, with the mask on the right-hand side.
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


def outline_polygons(mask: np.ndarray) -> list[list[int]] | None:
    """The polygons of a mask.

    Args:
        mask: `[height, width]` bool.

    Returns:
        x1, y1, x2, y2, … of each part, from which pycocotools makes the very same mask; None where
        there are none, because the mask has a hole.
    """
    polygons = _loops(mask)
    # With the mask on the right-hand side, the loop around a hole encloses a negative area.
    if any(_signed_area(polygon) < 0 for polygon in polygons):
        return None
    height, width = mask.shape
    rebuilt = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(polygons, height, width)))
    return polygons if np.array_equal(rebuilt, mask) else None


def _loops(mask: np.ndarray) -> list[list[int]]:
    leaving = _edges(mask)
    loops = []
    while leaving:
        start = next(iter(leaving))
        direction = leaving[start][0]
        loop: list[int] = []
        place = start
        while place in leaving:
            possible = leaving[place]
            # Where two parts touch at a corner, turning right stays with the same one.
            turn = (direction + 1) % 4
            taken = turn if turn in possible else possible[0]
            if taken != direction or not loop:
                loop += place
            possible.remove(taken)
            if not possible:
                del leaving[place]
            direction = taken
            place = place[0] + _STEPS[taken][0], place[1] + _STEPS[taken][1]
        loops.append(loop)
    return loops


def _edges(mask: np.ndarray) -> dict[tuple[int, int], list[int]]:
    """Corner of a pixel -> directions in which the outline leaves it."""
    padded = np.pad(mask, 1)
    inside = padded[1:-1, 1:-1]
    sides = (
        (inside & ~padded[:-2, 1:-1], (0, 0)),
        (inside & ~padded[1:-1, 2:], (1, 0)),
        (inside & ~padded[2:, 1:-1], (1, 1)),
        (inside & ~padded[1:-1, :-2], (0, 1)),
    )
    leaving: dict[tuple[int, int], list[int]] = {}
    for direction, (edges, (right, down)) in enumerate(sides):
        rows, columns = np.nonzero(edges)
        for corner in zip((columns + right).tolist(), (rows + down).tolist(), strict=True):
            leaving.setdefault(corner, []).append(direction)
    return leaving


def _signed_area(polygon: list[int]) -> int:
    x, y = np.array(polygon).reshape(-1, 2).T
    return int((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())
