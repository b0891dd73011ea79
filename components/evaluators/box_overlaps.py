"""Overlaps of boxes, as COCO's evaluation computes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def box_overlaps(
    boxes_xyxy: NDArray[Any], target_boxes_xyxy: NDArray[Any], target_is_crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Intersection over union of every box with every target.

    Of a crowd it is the intersection over the box: a box inside a crowd overlaps it fully.

    Corners become sides and sides corners again, as they do for pycocotools: a box whose overlap is
    one of the thresholds falls on the same side of it.

    Args:
        boxes_xyxy: `[boxes, 4]`, (x1, y1, x2, y2) in any unit.
        target_boxes_xyxy: `[targets, 4]`, likewise.
        target_is_crowd: `[targets]`.

    Returns:
        `[boxes, targets]` in [0, 1].
    """
    corner, size = _corner_and_size(boxes_xyxy)
    target_corner, target_size = _corner_and_size(target_boxes_xyxy)
    far = np.minimum((corner + size)[:, np.newaxis], (target_corner + target_size)[np.newaxis])
    near = np.maximum(corner[:, np.newaxis], target_corner[np.newaxis])
    sides = np.maximum(far - near, 0.0)
    intersection = sides[..., 0] * sides[..., 1]
    own = (size[:, 0] * size[:, 1])[:, np.newaxis]
    target = (target_size[:, 0] * target_size[:, 1])[np.newaxis]
    union = np.where(target_is_crowd, own, own + target - intersection)
    # Boxes that touch no more than along an edge overlap by nothing, even where both have no area.
    return np.divide(intersection, union, out=np.zeros_like(union), where=intersection > 0.0)


def _corner_and_size(boxes_xyxy: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    boxes = boxes_xyxy.astype(np.float64)
    return boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
