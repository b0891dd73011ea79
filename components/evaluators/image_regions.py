"""The boxes or the masks of one image, ready to be matched."""

from __future__ import annotations

from typing import Any

import numpy as np

from components.evaluators.box_overlaps import box_overlaps
from components.evaluators.detection_matching import ImageRegions
from components.evaluators.detection_outputs import (
    BOXES_XYXY,
    LABELS,
    TARGET_BOXES_XYXY,
    TARGET_LABELS,
    read_boxes,
    read_detected,
    read_image_id,
    read_targets,
)
from components.evaluators.mask_outputs import read_detected_masks, read_target_masks
from components.evaluators.run_length_masks import mask_overlaps


def box_regions(outputs: Any) -> ImageRegions:
    """Predicted and true boxes of one image.

    Args:
        outputs: Of the model's `evaluate` signature; see `detection_outputs`.

    Raises:
        DataError: An output is absent, does not fit the others, or holds what is no box, score,
            area or category.
    """
    detected, targets = read_detected(outputs), read_targets(outputs)
    boxes = read_boxes(outputs, BOXES_XYXY, LABELS)
    target_boxes = read_boxes(outputs, TARGET_BOXES_XYXY, TARGET_LABELS)
    return ImageRegions(
        read_image_id(outputs),
        detected,
        np.prod(boxes[:, 2:] - boxes[:, :2], axis=1),
        targets,
        box_overlaps(boxes, target_boxes, targets.is_crowd),
    )


def mask_regions(outputs: Any) -> ImageRegions:
    """Predicted and true masks of one image.

    Args:
        outputs: Of the model's `evaluate` signature; see `mask_outputs`.

    Raises:
        DataError: An output is absent, does not fit the others, or holds what is no mask, score,
            area or category.
    """
    detected, masks = read_detected_masks(outputs)
    targets, target_masks = read_target_masks(outputs)
    same = detected.labels[:, np.newaxis] == targets.labels
    return ImageRegions(
        read_image_id(outputs),
        detected,
        masks.areas.astype(np.float64),
        targets,
        mask_overlaps(masks, target_masks, targets.is_crowd, same),
    )
